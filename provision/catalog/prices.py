"""The price list, the exchange rates and the built-in cost cases."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from provision.catalog.loader import complain_data, read_data, read_data_folder
from provision.models.tco import ListPrice, PriceList, Rates

_DATA = Path(__file__).parent / "data"
RATES_FILE = _DATA / "exchange-rates.yml"


@cache
def load_prices(data: Path = _DATA) -> PriceList:
    """Read once per process. Raises SetupError where a file is not in order."""
    folder, rates = data / "prices", data / "exchange-rates.yml"
    try:
        document = read_data(rates)
        return PriceList(
            rates=Rates.model_validate(document["rates"]),
            rates_max_age_days=TypeAdapter(int).validate_python(document["max_age"]["days"]),
            prices=TypeAdapter(dict[str, ListPrice]).validate_python(read_data_folder(folder)),
        )
    except (ValidationError, KeyError) as error:
        text = str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else f"{error} is missing"
        raise complain_data(folder, text) from error


def list_cases() -> dict[str, Path]:
    """The built-in cost cases by name."""
    return {path.stem: path for path in sorted((_DATA / "tco").glob("*.yml"))}
