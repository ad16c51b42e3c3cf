#!/usr/bin/python3
"""Take a snapshot of each of Qdrant's collections and remove those beyond the newest N.

    QDRANT__SERVICE__API_KEY=... snapshot.py URL KEEP

Standard library only: it runs on the target's own Python. Calls as Qdrant's OpenAPI 1.19 describes them. Exit status 1
where a collection could not be kept; the others are kept all the same.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from typing import Any
from urllib.parse import quote

TIMEOUT_S = 1800


def call(url: str, method: str = "GET") -> Any:
    """The answer's `result`. Raises OSError where Qdrant refuses or is silent."""
    headers = {"api-key": os.environ["QDRANT__SERVICE__API_KEY"]}
    request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310 - the unit's own http
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
        return json.load(response)["result"]


def keep(base: str, collection: str, count: int) -> None:
    """One new snapshot of a collection; what is older than the newest `count` goes."""
    place = f"{base}/collections/{quote(collection, safe='')}/snapshots"
    made = call(f"{place}?wait=true", "POST")
    print(f"{collection}: {made['name']}, {made['size']} bytes")
    # The time of creation may be missing, as for a file that was put there by hand: such a one is not ours to remove.
    known = sorted((item["creation_time"], item["name"]) for item in call(place) if item.get("creation_time"))
    for _, name in known[:-count]:
        call(f"{place}/{quote(name, safe='')}?wait=true", "DELETE")
        print(f"{collection}: {name} removed")


def main(base: str, count: int) -> int:
    if count < 1:
        raise SystemExit("at least one snapshot must stay")
    failed = 0
    for collection in call(f"{base}/collections")["collections"]:
        try:
            keep(base, collection["name"], count)
        except OSError as error:
            print(f"{collection['name']}: {error}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
