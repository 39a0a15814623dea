"""What the score knows, and whether it pays: IC by horizon, half-life, hit rate, edge and cost, calibration, placebos.

Everything is of one instrument on one tier, from samples on a half-second grid; signals.md, section 9. Costs are the
user's own. A result below the sample size that could show it is INSUFFICIENT DATA, whatever it looks like.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import log

import msgspec
import numpy as np

from desk.projections.signal_health import AFTER_S, COLUMNS, STEP, STEP_S, WIDTH, Issued, Samples
from desk.research import calibration, ic, placebo
from desk.research.calibration import Calibration
from desk.research.ic import NO_EVIDENCE, HalfLife, HorizonIC
from desk.research.metrics import NEED_TRADES, Array, Interval, mean_interval, wilson, word
from desk.research.placebo import Placebos
from desk.research.regimes import regimes

CALL = 20.0  # |score| from which it is a call for a direction: the moderate class
CALLS_S = (1.0, 5.0, 10.0, 30.0, 60.0)
CALIBRATED_S = 5.0
SIGNALS = ("score", "direction", "imbalance", "order_count", "spread")
ALARM_IC, ALARM_S = 0.3, 10.0
ALARM_RATE, ALARM_N = 0.75, 200
QUICK_WINDOW = 3600  # seconds the short form looks back
BPS = 1e4


class Calls(msgspec.Struct, frozen=True):
    """Calls for a direction and what the mid did over the horizon, none of them overlapping.

    `hits`: share of right directions among moves that were not 0; `payoff`: mean right move / mean wrong one. `gross`
    bps from mid to mid a round trip; `break_even_bps` = gross / 2, what a side may cost at most. `net_taker_bps`: gross
    less the mean spread and two taker fees; `net_maker_bps`: less two maker fees, every order filled. `covers`: whether
    the lower bound of gross pays the cheaper of the two; None while that is INSUFFICIENT DATA for a yes.
    """

    horizon_s: float
    n: int
    need: int
    word: str
    hits: Interval | None
    payoff: float | None
    gross_bps: Interval | None
    break_even_bps: float | None
    net_taker_bps: float | None
    net_maker_bps: float | None
    covers: bool | None


class Health(msgspec.Struct, frozen=True):
    """One instrument on one tier; times ns. `ics` by signal, horizons ascending; `regimes` over 1 s, `calibration` 5 s.

    `word` of the horizon with most returns; `says`: "evidence" when one horizon of the score has it, "evidence against"
    likewise, else "no evidence".
    """

    inst: str
    tier: str
    begin: int
    end: int
    seconds: int
    word: str
    says: str
    ics: dict[str, tuple[HorizonIC, ...]]
    half_life: HalfLife | None
    regimes: dict[str, HorizonIC]
    calls: tuple[Calls, ...]
    calibration: Calibration
    placebos: Placebos
    alarms: tuple[str, ...]


class Outcome(msgspec.Struct, frozen=True):
    """What the mid did after signals that a strategy issued, in their direction; bps from mid to mid."""

    horizon_s: float
    n: int
    need: int
    word: str
    hits: Interval | None
    payoff: float | None
    gross_bps: Interval | None


def columns(samples: Samples, last: int | None = None) -> dict[str, Array]:
    """The samples as arrays (T,) by column name, `log_px` besides; the last so many seconds of them, or all."""
    rows = np.frombuffer(samples.rows, np.float64).reshape(-1, WIDTH)
    if last is not None:
        drop = max(0, len(rows) - int(last / STEP_S))
        rows = rows[drop + drop % 2 :]
    made = {name: rows[:, i].copy() for i, name in enumerate(COLUMNS)}
    made["log_px"] = np.log(made["mid"])
    return made


def short(samples: Samples, horizon_s: float) -> HorizonIC:
    """The score's IC of the last hour at one horizon: for the screen, about a millisecond."""
    seen = columns(samples, QUICK_WINDOW)
    return ic.quick(seen["score"], seen["log_px"], STEP_S, horizon_s)


def summary(samples: Samples) -> dict[str, object]:
    """The short form at every horizon, for a run's last words."""
    seen = columns(samples)
    ics = tuple(ic.quick(seen["score"], seen["log_px"], STEP_S, h) for h in ic.HORIZONS_S)
    return {
        "inst": samples.inst,
        "tier": samples.tier,
        "word": ics[0].word,
        "says": says(ics),
        "seconds": int(np.isfinite(seen["score"][::2]).sum()),
        "alarms": list(_ic_alarms("score", ics)),
        "ic": [msgspec.to_builtins(one) for one in ics],
    }


def health(
    samples: Samples, maker_bps: float, taker_bps: float, seed: int = 1, resamples: int = 400, *, whole: bool = True
) -> Health:
    """Everything of section 9 that one session can say; `whole` False: the score's ICs and the placebos only."""
    seen = columns(samples)
    log_px, score = seen["log_px"], seen["score"]
    ics = {
        name: tuple(
            ic.measured(seen[name], log_px, STEP_S, horizon, seed, resamples if name == "score" else resamples // 2)
            for horizon in ic.HORIZONS_S
        )
        for name in (SIGNALS if whole else SIGNALS[:1])
    }
    ts: list[float] = []
    for i, one in enumerate(ics["score"]):
        if one.word == "MEASURED":
            ts += placebo.placebo_ts(
                *ic.pairs(score, log_px, STEP_S, one.horizon_s)[:2], one.horizon_s, 1000 * seed + i
            )
    calls = tuple(_calls(seen, h, maker_bps, taker_bps, seed) for h in CALLS_S) if whole else ()
    alarms = [text for name in ics for text in _ic_alarms(name, ics[name])]
    alarms += [text for one in calls if (text := rate_alarm(f"calls over {one.horizon_s:g} s", one.hits))]
    begin = samples.first * STEP
    return Health(
        inst=samples.inst,
        tier=samples.tier,
        begin=begin,
        end=begin + len(samples) * STEP,
        seconds=int(np.isfinite(score[::2]).sum()),
        word=ics["score"][0].word,
        says=says(ics["score"]),
        ics=ics,
        half_life=ic.half_life(score, log_px, STEP_S, list(ics["score"]), seed) if whole else None,
        regimes=regimes(score, log_px, seen["spread_bps"], STEP_S, begin, STEP) if whole else {},
        calls=calls,
        calibration=_calibration(seen),
        placebos=placebo.judge(ts, score, seen["mirror"]),
        alarms=tuple(alarms),
    )


def outcomes(issued: Iterable[Issued], seed: int = 1) -> tuple[Outcome, ...]:
    """What followed the signals issued, by horizon, all instruments together."""
    every = list(issued)
    out = []
    for i, horizon in enumerate(AFTER_S):
        moves = np.array(
            [
                one.signal.side * BPS * log(after / one.twice_mid)
                for one in every
                if (after := one.moment.after[i]) is not None
            ]
        )
        hits, payoff = _hits(moves)
        gross = mean_interval(moves, seed) if len(moves) else None
        n = len(moves)
        out.append(Outcome(float(horizon), n, NEED_TRADES, word(n, NEED_TRADES), hits, payoff, gross))
    return tuple(out)


def says(ics: Iterable[HorizonIC]) -> str:
    """The word for a signal over all its horizons: the strongest of them; contradicting ones are no evidence."""
    found = {one.says for one in ics} - {NO_EVIDENCE}
    return found.pop() if len(found) == 1 else NO_EVIDENCE


def resolved(seen: dict[str, Array], horizon_s: float) -> tuple[Array, Array]:
    """(sample index, move in bps) of calls that do not overlap: each begins where the one before was resolved."""
    score, log_px = seen["score"], seen["log_px"]
    k = round(horizon_s / STEP_S)
    open_at = np.flatnonzero(np.abs(score[: max(len(score) - k, 0) : 2]) >= CALL) * 2
    moves = BPS * (log_px[open_at + k] - log_px[open_at])
    taken, free = [], 0
    for at, move in zip(open_at.tolist(), moves.tolist(), strict=True):
        if at >= free and move == move:  # NaN: the book was not known
            taken.append((at, move))
            free = at + k
    made = np.array(taken).reshape(-1, 2)
    return made[:, 0].astype(np.int64), made[:, 1]


def _calls(seen: dict[str, Array], horizon_s: float, maker_bps: float, taker_bps: float, seed: int) -> Calls:
    at, moves = resolved(seen, horizon_s)
    right = moves * np.sign(seen["score"][at])
    hits, payoff = _hits(right)
    n = len(right)
    if not n:
        return Calls(horizon_s, 0, NEED_TRADES, word(0, NEED_TRADES), None, None, None, None, None, None, covers=False)
    gross = mean_interval(right, seed)
    taking, resting = 2 * taker_bps + float(np.mean(seen["spread_bps"][at])), 2 * maker_bps
    return Calls(
        horizon_s=horizon_s,
        n=n,
        need=NEED_TRADES,
        word=word(n, NEED_TRADES),
        hits=hits,
        payoff=payoff,
        gross_bps=gross,
        break_even_bps=gross.value / 2,
        net_taker_bps=gross.value - taking,
        net_maker_bps=gross.value - resting,
        covers=False if gross.low <= min(taking, resting) else True if n >= NEED_TRADES else None,
    )


def _hits(right: Array) -> tuple[Interval | None, float | None]:
    """Share of moves in the called direction among those that were not 0, and their payoff ratio."""
    won, lost = right[right > 0], right[right < 0]
    payoff = float(won.mean() / -lost.mean()) if len(won) and len(lost) else None
    return wilson(len(won), len(won) + len(lost)), payoff


def _calibration(seen: dict[str, Array]) -> Calibration:
    at, moves = resolved(seen, CALIBRATED_S)
    moved = moves != 0
    at, moves = at[moved], moves[moved]
    right = (moves * np.sign(seen["score"][at]) > 0).astype(np.float64)
    return calibration.calibrate(np.abs(seen["confidence"][at]), right)


def _ic_alarms(name: str, ics: Iterable[HorizonIC]) -> Iterable[str]:
    for one in ics:
        if one.word == "MEASURED" and one.ic is not None and one.horizon_s >= ALARM_S and abs(one.ic.value) > ALARM_IC:
            yield (
                f"BUG ALARM: IC of {name} at {one.horizon_s:g} s is {one.ic.value:+.2f}, beyond {ALARM_IC:g}: "
                "look for a look into the future before believing it"
            )


def rate_alarm(what: str, hits: Interval | None) -> str:
    """The alarm of a share of hits above 75 % among more than 200; "" otherwise."""
    if hits is None or hits.n <= ALARM_N or hits.value <= ALARM_RATE:
        return ""
    return (
        f"BUG ALARM: {what} were right {100 * hits.value:.0f} % of {hits.n} times: look for a look into the future, "
        "mid-price fills or missing fees before believing it"
    )
