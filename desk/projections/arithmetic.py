"""The numbers behind a "no" as a calculation that can be checked, and what would have to change. No state."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from desk.projections.codes import bare

Numbers = Mapping[str, float]
UNKNOWN = -1.0  # what the risk gate says of a number that could not be computed


def told(code: str, n: Numbers) -> str:
    """The calculation of one gate; plain numbers for a code without one of its own, "" without numbers.

    >>> print(told("WEAK_TECHNICAL", {"technical": -12.4, "needs": 25.0}))
    technical score |−12.4| < 25.0 needed
    >>> print(told("EDGE_BELOW_COST", {"break_even": 2.1522, "limit": 0.6, "target_bps": 24.0, "stop_bps": 12.0,
    ...     "cost_bps": 65.48, "maker_bps": 25.0, "taker_bps": 40.0, "fee_in_bps": 25.0}))
    cost 65.5 = 25.0 fee in + 40.0 fee out + 0.5 spread (bps); \
p* = (stop 12.0 + cost 65.5) / (target 24.0 + stop 12.0) = 2.15 > 0.60: 215 % of trades would have to win
    """
    make = _TOLD.get(bare(code))
    try:
        if make is None and bare(code).startswith("RISK_") and n:
            value = "unknown" if n["value"] == UNKNOWN else f"{n['value']:g}"
            return f"{value} against the limit {n['limit']:g}"
        return make(n) if make is not None and n else plain(n)
    except KeyError:  # recorded by another version: its numbers have other names
        return plain(n)


def change(code: str, n: Numbers) -> str:
    """What would have to be different in these numbers for this gate to pass; "" where no number decides.

    >>> change("WEAK_TECHNICAL", {"technical": -12.4, "needs": 25.0})
    'the technical score must fall by 12.6 to −25.0, or turn and rise to +25.0'
    >>> change("COOLDOWN", {"left_s": 3.21})
    '3.2 s must pass'
    """
    make = _CHANGE.get(bare(code))
    try:
        if make is not None and n:
            return make(n)
    except KeyError:
        pass
    return ""


def plain(n: Numbers) -> str:
    """Numbers by name.

    >>> plain({"age_s": 6.0, "limit_s": 5.0})
    'age_s 6, limit_s 5'
    """
    return ", ".join(f"{name} {value:.6g}" for name, value in n.items())


def _edge(n: Numbers) -> str:
    cost = (
        f"cost {n['cost_bps']:.1f} = {n['fee_in_bps']:.1f} fee in + {n['taker_bps']:.1f} fee out + "
        f"{n['cost_bps'] - n['fee_in_bps'] - n['taker_bps']:.1f} spread (bps)"
    )
    needed = n["break_even"]
    share = f"p* = (stop {n['stop_bps']:.1f} + cost {n['cost_bps']:.1f}) / (target {n['target_bps']:.1f} + stop "
    share += f"{n['stop_bps']:.1f}) = {needed:.2f} > {n['limit']:.2f}"
    return f"{cost}; {share}: {100 * needed:.0f} % of trades would have to win"


def _edge_change(n: Numbers) -> str:
    """p* = (L+c)/(W+L) ≤ limit: the largest cost at this bracket, and the bracket that pays this cost."""
    win, loss, limit = n["target_bps"], n["stop_bps"], n["limit"]
    most = limit * (win + loss) - loss
    ratio = win / loss if loss else 0.0
    room = limit * (1.0 + ratio) - 1.0
    bracket = f", or the target be at least {ratio * n['cost_bps'] / room:.1f} bps" if room > 0 else ""
    ceiling = f"the round trip may cost at most {most:.1f} bps" if most > 0 else "no cost at all pays with this bracket"
    return f"{ceiling} instead of {n['cost_bps']:.1f}{bracket}"


def _weak_change(n: Numbers) -> str:
    now, needs = n["technical"], n["needs"]
    if now < 0:
        return f"the technical score must fall by {needs + now:.1f} to −{needs:.1f}, or turn and rise to +{needs:.1f}"
    return f"the technical score must rise by {needs - now:.1f} to +{needs:.1f}, or turn and fall to −{needs:.1f}"


def _size(n: Numbers) -> str:
    return f"at most {n['limit']:g} lots by the limits, the venue's smallest order is {n['qty_min']:g}"


_TOLD: dict[str, Callable[[Numbers], str]] = {
    "STALE_BOOK": lambda n: f"last proof {n['age_s']:.2f} s ago > {n['limit_s']:g} s",
    "WARM_UP": lambda n: f"{n['bars']:.0f} closed bars < {n['needs']:.0f} needed",
    "WEAK_TECHNICAL": lambda n: f"technical score |{_sign(n['technical'])}| < {n['needs']:.1f} needed",
    "HFT_CONFLICT": lambda n: f"order book along the side {_sign(n['x'])} ≤ −20, for {n['for_s']:.1f} s",
    "WIDE_SPREAD": lambda n: (
        f"spread {n['spread_bps']:.2f} bps > 2 × {n['spread_ref_bps']:.2f} usual, order book {_sign(n['x'])} < +20"
    ),
    "BIAS_NEEDS_STRONG_ALIGNMENT": lambda n: f"order book along the side {_sign(n['x'])} < {_sign(n['needs'])}",
    "EDGE_BELOW_COST": _edge,
    "TICK_TOO_COARSE": lambda n: f"a stop {n['risk']:.1f} ticks from {n['entry']:.0f}",
    "COOLDOWN": lambda n: f"{n['left_s']:.1f} s left",
    "MAX_CONCURRENT": lambda n: f"{n['busy']:.0f} other trades under way, {n['limit']:.0f} allowed",
    "ALREADY_IN_POSITION": lambda n: f"exposure {n['exposure']:+.0f} lots",
    "SIZE_ZERO": _size,
}
_CHANGE: dict[str, Callable[[Numbers], str]] = {
    "STALE_BOOK": lambda n: f"a frame must prove the book within {n['limit_s']:g} s",
    "WARM_UP": lambda n: f"{n['needs'] - n['bars']:.0f} more one-minute bars must close",
    "WEAK_TECHNICAL": _weak_change,
    "HFT_CONFLICT": lambda n: (
        f"the order book along the side must rise above −20, or {max(n['wait_s'] - n['for_s'], 0.0):.1f} s pass "
        "without its pressure building: then an entry rests at a smaller size"
    ),
    "WIDE_SPREAD": lambda n: (
        f"the spread must fall to {2 * n['spread_ref_bps']:.2f} bps, or the order book along the side rise to +20"
    ),
    "BIAS_NEEDS_STRONG_ALIGNMENT": lambda n: f"the order book along the side must rise to {_sign(n['needs'])}",
    "EDGE_BELOW_COST": _edge_change,
    "COOLDOWN": lambda n: f"{n['left_s']:.1f} s must pass",
}


def _sign(value: float) -> str:
    return f"{'−' if value < 0 else '+'}{abs(value):.1f}"
