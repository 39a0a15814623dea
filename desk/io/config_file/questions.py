"""What the types cannot ask: facts about several values together, and about the world."""

from __future__ import annotations

import difflib
import json
import re
import zoneinfo
from collections.abc import Iterator
from urllib.parse import urlsplit

from desk.config import Config
from desk.io.config_file.faults import Fault

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def questions(config: Config) -> Iterator[Fault]:
    """The faults of a configuration whose every single value is well-formed."""
    yield from _score(config)
    yield from _names(config)
    yield from _venue(config)


def _score(config: Config) -> Iterator[Fault]:
    home, hft = "$.hft_signals", config.hft_signals
    total = hft.weights.imbalance + hft.weights.order_count + hft.weights.spread
    if abs(total - 1) > 1e-9:
        yield Fault(f"weights must add up to 1 (these add up to {total:g})", f"{home}.weights")
    strong, moderate = hft.thresholds.strong, hft.thresholds.moderate
    if strong <= moderate:
        yield Fault(f"strong ({strong:g}) must be above moderate ({moderate:g})", f"{home}.thresholds")
    if hft.fresh_s > hft.stale_s:
        yield Fault(f"fresh_s ({hft.fresh_s:g}) must not be above stale_s ({hft.stale_s:g})", home)
    if (h := hft.half_life) is not None and not 0.5 * h.seconds < h.low <= h.seconds <= h.high < 1.5 * h.seconds:
        said = f"the interval {h.low:g}..{h.high:g} must hold {h.seconds:g} and be narrower than ±50 % of it"
        yield Fault(f"{said}; measure longer, or leave half_life out", f"{home}.half_life")
    if "*" not in hft.spread_ref_bps:
        yield Fault('add "*", the value for every other symbol', f"{home}.spread_ref_bps")


def _names(config: Config) -> Iterator[Fault]:
    if why := _zone(config.time_zone):
        yield Fault(why, "$.time_zone")
    for path, symbols in (
        ("$.ultimate_analyzer.symbols", config.ultimate_analyzer.symbols),
        ("$.scalping_engine.symbols", config.scalping_engine.symbols),
    ):
        for symbol in dict.fromkeys(s for s in symbols if symbols.count(s) > 1):
            yield Fault(f"{symbol} is listed twice; keep one", path)
    for path, folder in (
        ("$.ultimate_analyzer.report_dir", config.ultimate_analyzer.report_dir),
        ("$.journal.dir", config.journal.dir),
    ):
        if not folder.strip():
            yield Fault("the name of a folder is needed", path)


def _venue(config: Config) -> Iterator[Fault]:
    venue = config.venue
    for path, address, scheme in (
        ("$.venue.ws_url", venue.ws_url, "ws"),
        ("$.venue.ws_l3_url", venue.ws_l3_url, "ws"),
        ("$.venue.rest_url", venue.rest_url, "http"),
        ("$.binance.ws_url", config.binance.ws_url, "ws"),
        ("$.binance.rest_url", config.binance.rest_url, "http"),
        ("$.coinbase.ws_url", config.coinbase.ws_url, "ws"),
    ):
        if not _safe_address(address, scheme):
            wanted = f"is not an address starting with {scheme}s:// ({scheme}:// only on this machine)"
            yield Fault(f"{json.dumps(address[:60])} {wanted}", path)
    for path, variable in (("$.venue.key_env", venue.key_env), ("$.venue.secret_env", venue.secret_env)):
        if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", variable):  # not repeated in the text: it may be the secret
            wanted = "this is the NAME of an environment variable (capitals, digits, _), never the key itself"
            yield Fault(f"{wanted}; if a key stood here, revoke it", path)


def _zone(name: str) -> str:
    """Why there is no such time zone, "" when there is."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        zones = sorted(zoneinfo.available_timezones())
        folded = {zone.casefold(): zone for zone in zones} | {z.rpartition("/")[2].casefold(): z for z in zones}
        near = difflib.get_close_matches(name.replace(" ", "_").casefold(), folded, n=1, cutoff=0.7)
        hint = f"; did you mean {folded[near[0]]}?" if near else '; write it as "Europe/Berlin" or "UTC"'
        return f"{json.dumps(name[:60])} is not a time zone{hint}"
    return ""


def _safe_address(address: str, scheme: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname
        _ = parts.port  # raises when it is not one
    except ValueError:
        return False
    return bool(host) and (parts.scheme == f"{scheme}s" or (parts.scheme == scheme and host in LOOPBACK))
