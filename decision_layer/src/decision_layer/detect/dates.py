"""Birth dates inside numbers and beside words such as "born"."""

from __future__ import annotations

import re

_DAYS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

MONTHS = (
    "jan(?:uary|uar|uari)?|feb(?:ruary|ruar|ruari)?|m(?:arch|ärz|arts|aart|ar|rz)|apr(?:il)?|may|mai|maj|mei"
    "|jun[ei]?|jul[yi]?|aug(?:ust|ustus)?|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[czs](?:ember)?"
)
DATE = re.compile(
    r"\d{4}[-./]\d{1,2}[-./]\d{1,2}(?!\d)|\d{1,2}[-./] ?\d{1,2}[-./] ?(?:\d{4}|\d{2})(?!\d)"
    rf"|\d{{1,2}}(?:\.|st|nd|rd|th)? (?:of |de )?(?:{MONTHS})\.?,? \d{{4}}"
    rf"|(?:{MONTHS})\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
    r"|(?:19|20)\d{6}(?!\d)|\d{6}(?!\d)",
    re.IGNORECASE,
)
BORN = (
    "born",
    "birth",
    "dob",
    "d.o.b",
    "geboren",
    "geb.",
    "geburt",
    "født",
    "fødselsda",
    "fødd",
    "född",
    "født den",
    "né le",
    "née le",
    "naissance",
    "geboorte",
    "geburtstag",
    "fødseldato",
)


def day_month(day: int, month: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month]


def ddmm(number: str) -> bool:
    """DDMM at the front (Denmark)."""
    return day_month(int(number[:2]), int(number[2:4]))


def mmdd(number: str) -> bool:
    """MMDD; a coordination number adds 60 to the day (Sweden, Skatteverket)."""
    day = int(number[2:4])
    return day_month(day - 60 if day > 60 else day, int(number[:2]))


def norwegian(number: str) -> bool:
    """DDMM, where a D number adds 40 to the day and a synthetic one of Skatteetaten 40 or 80 to the month."""
    day, month = int(number[:2]), int(number[2:4])
    return day_month(day - 40 if day > 40 else day, month % 40)


def austrian(number: str) -> bool:
    """DDMM, where the month may run to 15 once a day's numbers are used up."""
    day, month = int(number[:2]), int(number[2:4])
    return 1 <= day <= 31 and 1 <= month <= 15
