"""RFC 3339 timestamps as venues write them, to and from ns since 1970 UTC, without a clock or a calendar."""

from __future__ import annotations

from functools import lru_cache

NS = 1_000_000_000
DAY_S = 86_400
TENS = tuple(10 ** (9 - n) for n in range(10))


def parse_ns(text: str) -> int:
    """ns since 1970 UTC of "2026-08-02T04:23:42.847625Z"; 0 for an empty text.

    Takes 0 to 9 fractional digits; only UTC ("Z"), as Kraken, Coinbase and Binance write it. Raises ValueError with the
    text otherwise.

    >>> parse_ns("2026-08-02T04:23:42.847625Z")
    1785644622847625000
    >>> parse_ns("1970-01-01T00:00:01Z")
    1000000000
    """
    if not text:
        return 0
    fraction = text[20:-1]
    if text[-1] != "Z" or not ((text[19] == "." and len(fraction) <= 9 and fraction.isdigit()) or len(text) == 20):
        raise ValueError(f"not an RFC 3339 time in UTC: {text!r}")
    return _second(text[:19]) + (int(fraction) * TENS[len(fraction)] if fraction else 0)


def format_ns(ns: int, digits: int = 6) -> str:
    """RFC 3339 text in UTC with `digits` fractional digits, cut, not rounded.

    >>> format_ns(1785644622847625000)
    '2026-08-02T04:23:42.847625Z'
    """
    seconds, fraction = divmod(ns, NS)
    days, second = divmod(seconds, DAY_S)
    tail = f".{fraction // 10 ** (9 - digits):0{digits}d}" if digits else ""
    return f"{_date(days)}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}{tail}Z"


@lru_cache(maxsize=256)
def _second(text: str) -> int:
    """ns of "2026-08-02T04:23:42": a feed repeats each second many times."""
    if text[10] != "T" or len(text) != 19:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    return (_day(text[:10]) * DAY_S + int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:])) * NS


@lru_cache(maxsize=64)
def _day(date: str) -> int:
    """Days since 1970-01-01 of "2026-08-02" in the proleptic Gregorian calendar (Hinnant, days_from_civil)."""
    year, month, day = int(date[:4]), int(date[5:7]), int(date[8:10])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        raise ValueError(f"not a date: {date!r}")
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


@lru_cache(maxsize=64)
def _date(days: int) -> str:
    """The inverse of `_day` (Hinnant, civil_from_days)."""
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return f"{era * 400 + year + (month <= 2):04d}-{month:02d}-{of_year - (153 * shifted + 2) // 5 + 1:02d}"
