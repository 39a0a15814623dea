"""`./run fees`: what each tier of the listing demands of a scalp, and where the trading itself moves the tier."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec

from desk.config import Fees
from desk.portfolio.climb import Climb, climb
from desk.portfolio.fees import in_force, listing_at
from desk.run.clock import now_ns
from desk.run.modes import configure
from desk.signals.cost import break_even_win_rate, round_trip_bps, smallest_paying_target

WAYS = {"taker/taker": (False, False), "maker/taker": (True, False), "maker/maker": (True, True)}


def fee_table(
    fees: Fees, now: int, trips: float, size: float, target_pct: float, stop_pct: float, spread_bps: float
) -> dict[str, Any]:
    """The command's JSON; `trips` a day of `size` each. Costs in percent of the notional, `break_even` a share.

    Raises ValueError where `climb` and `break_even_win_rate` do.
    """
    listing, own = listing_at(fees, now), in_force(fees, now)
    path = climb(listing, trips, size, fees.volume_30d or 0.0)

    def row(name: str, maker: float, taker: float) -> dict[str, Any]:
        ways = {}
        for way, (enter, leave) in WAYS.items():
            cost = round_trip_bps(maker, taker, spread_bps, enter, leave) / 100.0
            ways[way] = {
                "cost_pct": cost,
                "break_even": break_even_win_rate(target_pct, stop_pct, cost),
                "target_at_55_pct": smallest_paying_target(0.55, target_pct / stop_pct, cost) if stop_pct else None,
            }
        return {"tier": name, "maker_bps": maker, "taker_bps": taker, "ways": ways}

    return {
        "listing": f"{listing.name}, {listing.since}",
        "target_pct": target_pct,
        "stop_pct": stop_pct,
        "spread_bps": spread_bps,
        "yours": row(own.tier, own.maker_bps, own.taker_bps),
        "tiers": [row(f"from {t.volume:,.0f}", t.maker_bps, t.taker_bps) for t in listing.tiers],
        "climb": row("mean of the first 30 days", path.maker_bps, path.taker_bps) | _said(path, trips, size),
    }


def _said(path: Climb, trips: float, size: float) -> dict[str, Any]:
    days = [{"day": day + 1, "tier": tier.volume} for day, tier in path.tiers]
    return {"trips_per_day": trips, "size": size, "volume_30d": path.volume, "days": days}


def describe(table: dict[str, Any]) -> str:
    """The same for a person."""
    asked = f"target {table['target_pct']:g} %, stop {table['stop_pct']:g} %, spread {table['spread_bps']:g} bps"
    lines = [f"{table['listing']}: {asked}. Cost of a round trip, and the share of trades that must win to pay it:", ""]
    lines.append(f"  {'30-day volume':<26}" + "".join(f"{way:>20}" for way in WAYS))
    lines += [_line(row["tier"], row) for row in table["tiers"]]
    lines += ["", _line("your tier", table["yours"]), f"  ({table['yours']['tier']})", ""]
    path = table["climb"]
    steps = ", ".join(f"day {step['day']} from {step['tier']:,.0f}" for step in path["days"])
    lines.append(
        f"{path['trips_per_day']:g} round trips a day of {path['size']:,.0f} are {path['volume_30d']:,.0f} in 30 days "
        f"and move the tier by themselves: {steps}."
    )
    lines.append(_line(path["tier"], path))
    lines.append("Above 100 % no win rate pays. Nothing here says how often a trade wins: that has to be measured.")
    return "\n".join(lines)


def _line(name: str, row: dict[str, Any]) -> str:
    cells = (f"{way['cost_pct']:.3f} % → {100 * way['break_even']:.0f} %" for way in row["ways"].values())
    return f"  {name:<26}" + "".join(f"{cell:>20}" for cell in cells)


def command(argv: list[str]) -> str:
    """What each fee tier demands of a scalp, and where the trading itself moves the tier."""
    p = argparse.ArgumentParser(prog="./run fees", description=command.__doc__)
    for name, default, what in (
        ("--trips", 75.0, "round trips a day"),
        ("--size", 1_000.0, "of each, in the currency of the listing"),
        ("--target", 0.2, "percent of the price"),
        ("--stop", 0.1, "percent of the price"),
        ("--spread", 0.4, "basis points"),
    ):
        p.add_argument(name, type=_positive, default=default, metavar="X", help=f"{what} (default {default:g})")
    p.add_argument("--config", type=Path, default=Path("trading_config.json"), help="default: trading_config.json")
    p.add_argument("--json", action="store_true")
    o = p.parse_args(argv)
    fees = configure(o.config, None).fees
    table = fee_table(fees, now_ns(), o.trips, o.size, o.target, o.stop, o.spread)
    return msgspec.json.format(msgspec.json.encode(table)).decode() if o.json else describe(table)


def _positive(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text}: a number above 0")
    return value
