"""The evidence of one symbol: the past of its score, the walk forward over it, days alike, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np

from desk.analysis.combine import UNRECORDED
from desk.analysis.evidence import Evidence, Skill
from desk.analysis.past import TERMS, Past, past
from desk.analysis.shape import DAY, Analysis, Floats, Frame, Verdict, Weights
from desk.research.daily_ic import controls, fade, loud
from desk.research.neighbours import nearest
from desk.research.overfit import overfitting
from desk.research.scenario_record import scenario_records
from desk.research.sharpe import sharpe
from desk.research.skill import (
    NEED,
    Days,
    Traded,
    after_costs,
    apart,
    choose,
    days_of,
    edge,
    side_of,
    skill,
    variants,
    walk,
)
from desk.research.trials import Trial, luck
from desk.research.verdict import Record, verdict
from desk.research.walkforward import FIRST, STEP

HORIZONS = (1, 5)  # days
PRIMARY = 5  # the verdict's, fixed beforehand: choosing the better of two would need paying for
SEED = 1
RESAMPLES = 1000
FADES = 200  # resamples for a half-life
PAST_BARS = 200 * 24  # more hours than the scenarios' record looks back
NAMES = {"score": "Score"} | TERMS
LOOKS = tuple((key, horizon) for key in NAMES for horizon in HORIZONS)


class Answer(msgspec.Struct, frozen=True):
    """What is measured, what may be said, and the variants this took (for the ledger)."""

    evidence: Evidence
    verdict: Verdict
    trials: tuple[Trial, ...]


def answer(
    analysis: Analysis,
    frames: Mapping[str, Frame],
    weights: Weights,
    cost_bps: float,
    tried: Iterable[Trial] = (),
    symbols: int = 1,
    resamples: int = RESAMPLES,
) -> Answer:
    """The evidence for `analysis`, from candles closed by its moment; nothing later is looked at.

    `cost_bps`: a round trip at the user's tier. `tried`: variants of earlier runs; `symbols`: how many are watched.
    """
    then = past(frames, analysis.ts, weights)
    found = weigh(then, analysis.symbol, analysis.score, weights, cost_bps, tuple(tried), symbols, resamples)
    known = {name: frames[name].upto(analysis.ts, PAST_BARS) for name in ("1h", "4h", "1d") if name in frames}
    atr = analysis.daily_atr
    records = scenario_records(known, analysis.scenarios, analysis.last, atr)
    return msgspec.structs.replace(found, evidence=msgspec.structs.replace(found.evidence, scenarios=records))


def supported(analysis: Analysis, found: Answer, simulated: bool = False) -> Analysis:
    """The same analysis with its evidence and the verdict that follows from it; a simulated market is called so."""
    verdict_now = found.verdict
    if simulated:
        verdict_now = msgspec.structs.replace(verdict_now, reason=f"SIMULATED market: {verdict_now.reason}")
    unknown = (
        tuple(line for line in analysis.unknown if line != UNRECORDED) if found.evidence.days else analysis.unknown
    )
    return msgspec.structs.replace(analysis, verdict=verdict_now, evidence=found.evidence, unknown=unknown)


def weigh(
    then: Past,
    symbol: str,
    score: float | None,
    weights: Weights,
    cost_bps: float,
    tried: tuple[Trial, ...] = (),
    symbols: int = 1,
    resamples: int = RESAMPLES,
    looks: tuple[tuple[str, int], ...] = LOOKS,
) -> Answer:
    """The same from a past already made, for a score that is `score` now (None: too little data).

    `looks`: the values and horizons to make records of; the score's at the verdict's horizon must be among them.
    """
    if not len(then):
        return _untested("no past days: there are no daily candles", cost_bps)
    days = {h: days_of(then, h) for h in HORIZONS}
    free = {(key, h): variants(then.values[key], days[h], 0.0) for key, h in looks}
    trials = tuple(_trials(free, then, symbol, weights))
    chance = luck(tried, trials, symbol, symbols)
    columns = np.stack([net for by_threshold in free.values() for net in by_threshold.values()], axis=1)
    pbo = overfitting(columns[np.isfinite(days[1].next) & np.isfinite(then.values["score"])])
    skills: list[Skill] = []
    walks: dict[tuple[str, int], Traded] = {}
    for i, (key, h) in enumerate(looks):
        values = then.values[key]
        walks[key, h] = walk(values, days[h], variants(values, days[h], cost_bps))
        made = skill(key, NAMES[key], values, walks[key, h], days[h], cost_bps, chance, SEED, resamples)
        beside = controls(values, walks[key, h].tested, days[h], made.ic, 1000 * SEED + i)
        skills.append(msgspec.structs.replace(made, controls=beside))
    skills += [Skill("hft", "Order book, 15-min average", h, 0, why="books are not kept: no past") for h in HORIZONS]
    main = walks["score", PRIMARY]
    if not main.tested.any():
        return _untested(_short(then), cost_bps, trials, tuple(skills))
    record = record_now(then.values["score"], score, main, days[PRIMARY], cost_bps, resamples)
    evidence = Evidence(
        begin=int(then.ts[main.tested][0]),
        end=int(then.ts[main.tested][-1]),
        days=int(main.tested.sum()),
        cost_bps=cost_bps,
        trials=chance.trials,
        pbo=pbo,
        skills=tuple(skills),
        nearest=nearest(then, HORIZONS, SEED),
        threshold=record.threshold,
        fades=tuple(
            fade(key, NAMES[key], then, walks[key, h].tested, SEED, min(resamples, FADES))
            for key, h in looks
            if h == PRIMARY
        ),
        loud=loud(skills),
    )
    whole = next(s for s in skills if (s.key, s.horizon_days) == ("score", PRIMARY))
    complete = msgspec.structs.replace(record, begin=evidence.begin, end=evidence.end, dsr=whole.dsr, pbo=pbo)
    return Answer(evidence, verdict(msgspec.structs.replace(complete, hold_bps=whole.hold_bps)), trials)


def record_now(
    values: Floats, score: float | None, traded: Traded, days: Days, cost_bps: float, resamples: int = RESAMPLES
) -> Record:
    """What followed on the tested days when the score took the side that it takes now.

    The rule in force now has the threshold that was best on all days whose outcome is known.
    """
    known = np.flatnonzero(np.isfinite(values) & np.isfinite(days.ahead))
    threshold = choose(variants(values, days, cost_bps), known)
    side = 0 if score is None else int(side_of(np.array([score]), threshold)[0])
    base = Record(side, days.horizon, cost_bps, need=NEED, threshold=threshold)
    if score is None:
        return msgspec.structs.replace(base, why="too little data for a score")
    if side == 0:
        said = f"{score:+.0f}".replace("-", "−")
        return msgspec.structs.replace(base, why=f"the score {said} is within ±{threshold:.0f}: the rule takes no side")
    active = traded.tested & (traded.side == side)
    result = np.where(active, side * days.ahead, 0.0)[traded.tested]
    measured = edge(result, active[traded.tested], days.horizon, SEED, resamples)
    trades = len(apart(active, days))
    if measured is None:
        few = f"the score took this side on {int(active.sum())} of {int(traded.tested.sum())} tested days only"
        return msgspec.structs.replace(base, trades=trades, why=few)
    net, t = after_costs(*measured, cost_bps)
    return msgspec.structs.replace(base, net_bps=net, t=t, trades=trades)


def _trials(
    nets: Mapping[tuple[str, int], Mapping[float, Floats]], then: Past, symbol: str, weights: Weights
) -> Iterable[Trial]:
    """Every rule looked at, with its Sharpe ratio over the whole past."""
    shares = "/".join(f"{w:g}" for w in (weights.mtf, weights.profile, weights.technical, weights.hft))
    for (key, horizon), by_threshold in nets.items():
        what = f"score {shares}" if key == "score" else key
        for threshold, net in by_threshold.items():
            ratio = sharpe(net)
            if ratio is not None:
                name = f"{what}, {horizon} d, from {threshold:g}"
                yield Trial(int(then.ts[-1]), symbol, name, ratio, len(then))


def _untested(why: str, cost_bps: float, trials: tuple[Trial, ...] = (), skills: tuple[Skill, ...] = ()) -> Answer:
    """The score could be tested on no day: no record of it, and why."""
    evidence = Evidence(0, 0, 0, cost_bps, len(trials), None, skills, None, why=why)
    return Answer(evidence, verdict(Record(0, PRIMARY, cost_bps, why=why)), trials)


def _short(then: Past) -> str:
    """Why nothing could be tested."""
    scored = int(np.isfinite(then.values["score"]).sum())
    span = (int(then.ts[-1]) - int(then.ts[0])) // DAY + 1
    need = FIRST + STEP
    fix = "give more history (./run download --from DATE, or ./run import)"
    return f"{scored} past days with a score over {span} days; a walk forward needs about {need}: {fix}"
