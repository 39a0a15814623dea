"""Yesterday's plan against the candles that followed, line by line; and the last plans together.

Nothing is judged by eye: a line has one of the words of `plan.Line`, from the finest candles that cover the plan. What
happened inside one candle in unknown order is called undecided, or counted against the plan where that is the rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from desk.analysis.combine import MODERATE
from desk.analysis.plan import EntryZone, Grade, Line, Scenario, Scoreboard, Share
from desk.analysis.shape import Analysis, Frame
from desk.analysis.turns import DECIDES_NS, OPEN, UNTOUCHED, WORDS, turns
from desk.kernels.exits import BOTH, DOWN, NEITHER, UP, first_exits
from desk.research.metrics import wilson, word
from desk.research.reactions import RANDOMS, random_prices

CANDLES = ("5m", "15m", "1h", "4h")
MOST_PLANS = 30
SAME = 0.001  # a close this near is the same one: venues correct a candle by late trades
INF = float("inf")
ORDER = ("bull", "bear", "range")


def grade(plan: Analysis, frames: Mapping[str, Frame], now_ns: int) -> Grade:
    """The grade of `plan` from candles closed by `now_ns`; `why` says what is missing.

    Judged from the first candle that opened after the plan. A level that was touched may take three days to decide.
    """
    name, bars = covering(frames, plan.ts, now_ns)
    expires = max((s.expires for s in plan.scenarios), default=plan.bias_expires or plan.ts)
    none = "no candles from the time of the plan are known" if bars is None or bars.end <= plan.ts else ""
    none = none or another_market(plan, frames)
    if bars is None or none:
        return Grade(plan.ts, expires, plan.ts, "", (), "", (), None, 0, 0, 0, 0, None, None, none)
    begin, end = (int(i) for i in np.searchsorted(bars.ts, (plan.ts, expires - bars.interval_ns + 1)))
    over = bars.end > expires - bars.interval_ns
    levels, held, touched = _levels(plan, bars, begin, end, over)
    random_held, random_touched = _random(plan, bars, begin, end)
    sides, happened = _scenarios(plan.scenarios, bars, begin, end, over)
    zones = [_entry(zone, bars, begin, end, over) for zone in plan.entries]
    bias, right = _bias(plan, bars)
    chances = tuple(s.probability_pct for s in plan.scenarios) if happened else ()
    lost = min(expires, bars.end) // bars.interval_ns + (-plan.ts // bars.interval_ns) - (end - begin)
    why = [f"{lost} {name} candles are missing"] if lost > 0 else []
    why += ["the plan had no scenarios"] if not plan.scenarios else []
    return Grade(
        ts=plan.ts,
        expires=expires,
        until=min(bars.end, expires),
        candles=name,
        lines=(*levels, *sides, *zones, bias),
        happened=happened,
        probabilities=chances,
        brier=brier([p / 100.0 for p in chances], happened) if happened else None,
        held=held,
        touched=touched,
        random_held=random_held,
        random_touched=random_touched,
        bias_right=right,
        move_bps=bias.move_bps,
        why="; ".join(why),
    )


def another_market(plan: Analysis, frames: Mapping[str, Frame]) -> str:
    """Why these are not the candles that the plan was made of, "" where they have the last close it saw.

    Another seed of the simulated market, or another file of the same symbol, would grade it at random.
    """
    for name, f in frames.items():
        i = int(np.searchsorted(f.ts, plan.last_ts - f.interval_ns))
        if i < len(f) and int(f.ts[i]) + f.interval_ns == plan.last_ts:
            close = float(f.close[i])
            if abs(close / plan.last - 1.0) <= SAME:
                return ""
            seen = f"its last close was {plan.last:.8g}, in these {name} candles {close:.8g}"
            return f"it was made of another market: {seen}"
    return ""


def covering(frames: Mapping[str, Frame], ts: int, now_ns: int) -> tuple[str, Frame | None]:
    """The finest candles that reach back to `ts`, cut at now."""
    for name in CANDLES:
        if name in frames and len(frames[name]) and int(frames[name].ts[0]) <= ts:
            return name, frames[name].upto(now_ns, len(frames[name]))
    return "", None


def brier(chances: Sequence[float], happened: str) -> float:
    """Σ (p − o)² over bull, bear, range: 0 for certainty in what happened, 2/3 for thirds, 2 at worst.

    >>> brier([1.0, 0.0, 0.0], "bull"), brier([0.5, 0.25, 0.25], "range")
    (0.0, 0.875)
    """
    return sum((p - (kind == happened)) ** 2 for p, kind in zip(chances, ORDER, strict=True))


def scoreboard(grades: Sequence[Grade]) -> Scoreboard:
    """The newest 30 grades together; `grades` newest first."""
    grades = grades[:MOST_PLANS]
    decided = [g for g in grades if g.brier is not None]
    mean = base = None
    if decided:
        often = [sum(g.happened == kind for g in decided) / len(decided) for kind in ORDER]
        mean = sum(g.brier or 0.0 for g in decided) / len(decided)
        base = sum(brier(often, g.happened) for g in decided) / len(decided)
    sided = [g.bias_right for g in grades if g.bias_right is not None]
    hits = sum(ORDER[g.probabilities.index(max(g.probabilities))] == g.happened for g in decided)
    return Scoreboard(
        plans=len(grades),
        graded=len(decided),
        brier=mean,
        base_brier=base,
        skill=1.0 - mean / base if mean is not None and base else None,
        likeliest=share(hits, len(decided)),
        levels=share(sum(g.held for g in grades), sum(g.touched for g in grades)),
        random=share(sum(g.random_held for g in grades), sum(g.random_touched for g in grades)),
        bias=share(sum(sided), len(sided)),
        word=word(len(decided), MOST_PLANS),
        rows=tuple((g.ts, g.happened, g.brier) for g in grades),
    )


def share(hits: int, n: int) -> Share:
    """A share with its interval, all None without observations."""
    i = wilson(hits, n)
    return Share(hits, n, i.value, i.low, i.high) if i else Share(hits, n, None, None, None)


def _levels(plan: Analysis, bars: Frame, begin: int, end: int, over: bool) -> tuple[list[Line], int, int]:
    """One line per level, how many held, and how many were touched and decided."""
    atr, n = plan.daily_atr, len(plan.levels)
    if not atr or not n:
        return [], 0, 0
    result = turns(
        bars,
        np.full(n, begin),
        np.full(n, end),
        np.full(n, plan.last),
        np.array([lv.price for lv in plan.levels]),
        np.full(n, atr),
    )
    out = []
    for i, lv in enumerate(plan.levels):
        said = WORDS[result.code[i]]
        said = OPEN if said == UNTOUCHED and not over else said
        at = _closed(bars, int(result.decided[i])) if result.code[i] in (1, 2) else None
        out.append(Line("level", lv.kind, lv.price, said, at))
    return out, int((result.code == 1).sum()), int(np.isin(result.code, (1, 2)).sum())


def _random(plan: Analysis, bars: Frame, begin: int, end: int) -> tuple[int, int]:
    """(held, decided) of three random levels for each of the plan's, drawn with the plan's time as seed."""
    atr = plan.daily_atr
    if not atr or not plan.levels:
        return 0, 0
    n = RANDOMS * len(plan.levels)
    reach = np.array([abs(lv.price - plan.last) / atr for lv in plan.levels])
    last, wide = np.full(n, plan.last), np.full(n, atr)
    prices = random_prices(last, wide, reach, np.random.Generator(np.random.PCG64(plan.ts)))
    code = turns(bars, np.full(n, begin), np.full(n, end), last, prices, wide).code
    return int((code == 1).sum()), int(np.isin(code, (1, 2)).sum())


def _scenarios(plan: Sequence[Scenario], bars: Frame, begin: int, end: int, over: bool) -> tuple[list[Line], str]:
    """One line per scenario, and the one that happened (empty while open or undecided)."""
    known = {s.kind: s for s in plan}
    if set(known) != set(ORDER):
        return [], ""
    up, down = known["bull"].trigger or INF, known["bear"].trigger or -INF
    side, bar = exit_of(bars, begin, end, down, up)
    out = []
    for s in plan:
        if s.kind == "range":
            said, at = ("left", _closed(bars, bar)) if side != NEITHER else ("held" if over else OPEN, None)
        elif side == BOTH:
            said, at = "undecided", _closed(bars, bar)
        elif side == (UP if s.kind == "bull" else DOWN):
            said, at = _after(bars, side, bar, end, s.target or INF, s.invalidation[0], over)
        else:
            said, at = ("not triggered" if over or side != NEITHER else OPEN), None
        out.append(Line("scenario", s.kind, s.trigger, said, at))
    if side == NEITHER:
        return out, "range" if over else ""
    return out, {UP: "bull", DOWN: "bear"}.get(side, "")


def _after(
    bars: Frame, way: int, bar: int, end: int, target: float, invalid: float, over: bool
) -> tuple[str, int | None]:
    """What followed a trigger in candle `bar`: target or invalidation first; inside that candle only the target can
    be told, and not when the invalidation lies in it too."""
    far, back = (bars.high, bars.low) if way > 0 else (-bars.low, -bars.high)
    if far[bar] >= way * target:
        return ("undecided" if back[bar] <= way * invalid else "target"), _closed(bars, bar)
    side, at = exit_of(bars, bar + 1, end, min(target, invalid), max(target, invalid))
    if side == NEITHER:
        return ("expired" if over else OPEN), None
    return ("undecided" if side == BOTH else "target" if side == way else "invalidated"), _closed(bars, at)


def _entry(zone: EntryZone, bars: Frame, begin: int, end: int, over: bool) -> Line:
    """A resting order at the entry, its stop and its target within three days; a candle with both counts as stopped."""
    way = 1 if zone.side == "long" else -1
    name = f"{zone.side} at {zone.kind}"
    side, bar = exit_of(bars, begin, end, zone.entry if way > 0 else -INF, zone.entry if way < 0 else INF)
    if side == NEITHER:
        return Line("entry", name, zone.entry, "not reached" if over else OPEN)
    if (bars.low[bar] <= zone.stop) if way > 0 else (bars.high[bar] >= zone.stop):
        return Line("entry", name, zone.entry, "stopped", _closed(bars, bar))
    until = int(np.searchsorted(bars.ts, bars.ts[bar] + DECIDES_NS))
    side, at = exit_of(bars, bar + 1, until, min(zone.stop, zone.target), max(zone.stop, zone.target))
    if side == NEITHER:
        return Line("entry", name, zone.entry, OPEN)
    return Line("entry", name, zone.entry, "target" if side == way else "stopped", _closed(bars, at))


def _bias(plan: Analysis, bars: Frame) -> tuple[Line, bool | None]:
    """The bias by the close at its expiry; a score inside ±20 takes no side, and an exact tie is wrong."""
    name, expires = plan.label, plan.bias_expires
    if expires is None or bars.end <= expires - bars.interval_ns:
        return Line("bias", name, plan.last, OPEN), None
    at = int(np.searchsorted(bars.ts, expires - bars.interval_ns, side="right")) - 1
    move = round(1e4 * (float(bars.close[at]) / plan.last - 1.0), 1)
    if plan.score is None or abs(plan.score) < MODERATE:
        return Line("bias", name, plan.last, "no side", _closed(bars, at), move), None
    right = move * plan.score > 0.0
    return Line("bias", name, plan.last, "right" if right else "wrong", _closed(bars, at), move), right


def exit_of(bars: Frame, begin: int, end: int, down: float, up: float) -> tuple[int, int]:
    """`first_exits` for one question."""
    begin = min(begin, end)
    side, bar = first_exits(
        bars.high, bars.low, np.array([begin]), np.array([end]), np.array([float(down)]), np.array([float(up)])
    )
    return int(side[0]), int(bar[0])


def _closed(bars: Frame, bar: int) -> int:
    return int(bars.ts[bar]) + bars.interval_ns
