"""When to cross the spread, when to wait, and what the book says about a stop. Advice with its numbers, no orders."""

from __future__ import annotations

from typing import NamedTuple

from desk.signals.alignment import LEAN, STAND

TAKE, JOIN, IMPROVE, WAIT, ABORT = "TAKE", "JOIN", "IMPROVE", "WAIT", "ABORT"
HOLD, HONOUR_STOP, TIGHTEN, EXIT_NOW = "HOLD", "HONOUR_STOP", "TIGHTEN", "EXIT_NOW"
TIGHTENS, ENDS = -20.0, -50.0  # x from which a stop moves nearer, and below which the position is left
WIDE = 2.0  # a spread above this many times its reference is wide


class Prior(NamedTuple):
    """What a resting order is assumed to suffer until own fills have been measured. Not measurements.

    `fill_probability` before the signal dies; `drift_share` of a bar's range lost while queueing, and
    `adverse_share` of the spread lost because fills come when the price moves through us.
    """

    fill_probability: float = 0.5
    drift_share: float = 0.25
    adverse_share: float = 0.5


class Objection(NamedTuple):
    """A book against the side: for how long it has been, how long that keeps an entry out, whether it still grows."""

    for_s: float = 0.0
    wait_s: float = 5.0
    building: bool = True


class EntryAdvice(NamedTuple):
    """`action`, and both sides of the comparison behind it in bps: taking now against resting."""

    action: str
    why: str
    take_bps: float
    rest_bps: float


def entry_advice(
    x: float | None,
    spread_bps: float,
    spread_ref_bps: float,
    spread_ticks: int,
    maker_bps: float,
    taker_bps: float,
    range_bps: float,
    prior: Prior = Prior(),  # noqa: B008 - a NamedTuple cannot change
    objection: Objection = Objection(),  # noqa: B008
) -> EntryAdvice:
    """How to enter; x = side · effective score (None without a book score), `range_bps` one bar's average range.

    A book against the side (x ≤ −20) makes the entry WAIT; once it has objected for `wait_s` without the side being
    given up, the entry may JOIN, resting and smaller (alignment ×0.7, ×0.5). x ≤ −60 is ABORT while that pressure is
    still building. Else TAKE only if s + (f_T − f_M) < (1−P)·δ + AS with δ = drift_share·range and
    AS = adverse_share·s. Else rest: IMPROVE by a tick when x ≥ 60 and the spread has room, JOIN when x ≥ 20 or the
    spread is not wide, WAIT when it is. Source: signals.md 6.2; the room rule, the patience and the priors are ours.

    >>> entry_advice(30.0, 0.4, 0.5, 3, 25.0, 40.0, 5.0).action, entry_advice(30.0, 0.4, 0.5, 3, 0.0, 0.0, 5.0).action
    ('JOIN', 'TAKE')
    >>> against = [Objection(6.0, 5.0, building) for building in (True, False)]
    >>> [entry_advice(-70.0, 0.4, 0.5, 3, 0.0, 0.0, 5.0, objection=each).action for each in against]
    ['ABORT', 'JOIN']
    """
    take = spread_bps + taker_bps - maker_bps
    drift = (1.0 - prior.fill_probability) * prior.drift_share * range_bps
    rest = drift + prior.adverse_share * spread_bps
    if x is not None and x <= -LEAN:
        if x <= -STAND and objection.building:
            return EntryAdvice(ABORT, "the book stands strongly against this side, and more so", take, rest)
        if objection.for_s < objection.wait_s:
            return EntryAdvice(WAIT, "the book is against this side", take, rest)
        why = f"the book has been against this side for {objection.for_s:.1f} s: resting at the touch, smaller"
        return EntryAdvice(JOIN, why, take, rest)
    if take < rest:
        return EntryAdvice(TAKE, "taking now costs less than resting is expected to", take, rest)
    if x is not None and x >= STAND and spread_ticks >= 2:
        return EntryAdvice(IMPROVE, "the book pushes this way and the spread has room", take, rest)
    if (x is not None and x >= LEAN) or spread_bps <= WIDE * spread_ref_bps:
        return EntryAdvice(JOIN, "resting at the touch costs less than taking", take, rest)
    return EntryAdvice(WAIT, "the spread is wide and the book does not help", take, rest)


def stop_advice(x: float | None) -> str:
    """What the book says about a stop; x = position side · effective score, None when STALE or not synced.

    x > 50 HOLD, −20 < x ≤ 50 HONOUR_STOP, −50 ≤ x ≤ −20 TIGHTEN, x < −50 EXIT_NOW; None: HONOUR_STOP by price only.

    >>> [stop_advice(x) for x in (51.0, 50.0, -19.0, -20.0, -50.0, -51.0)]
    ['HOLD', 'HONOUR_STOP', 'HONOUR_STOP', 'TIGHTEN', 'TIGHTEN', 'EXIT_NOW']
    """
    if x is None:
        return HONOUR_STOP
    if x > 50.0:
        return HOLD
    if x > TIGHTENS:
        return HONOUR_STOP
    return TIGHTEN if x >= ENDS else EXIT_NOW


def tightened(side: int, stop: int, price: int) -> int:
    """The stop (ticks) at half its distance from `price`; where the price is past it, unchanged: never further away.

    >>> tightened(1, 100, 110), tightened(-1, 120, 110), tightened(1, 100, 90)
    (105, 115, 100)
    """
    left = side * (price - stop)
    return stop + side * (left // 2) if left > 0 else stop
