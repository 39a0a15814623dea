"""The slow system: candles of six timeframes in, one Analysis per symbol out; pure, rendered and scheduled elsewhere.

    score = 40 % timeframes + 35 % volume profile + 20 % technicals + 5 % order book (15-minute average)

A missing term drops out and lowers the coverage; below 75 % there is no score. The score describes the market as it is.
Whether it has ever been right is the verdict's business: desk/research/evidence.py walks forward over its past.

    python ultimate_crypto_analyzer.py BTC/USDT ETH/USDT        analyse once, write the reports; options of ./run follow
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from desk.analysis.book_gaps import book_gaps
from desk.analysis.candidates import candidates
from desk.analysis.combine import UNRECORDED, combine, coverage, hft_part, label, score, unmeasured
from desk.analysis.entries import entries
from desk.analysis.findings import Recorded
from desk.analysis.levels import levels
from desk.analysis.plan import Reaction, Scenario
from desk.analysis.profile import profile, profile_score
from desk.analysis.profiles import profiles
from desk.analysis.readings import NO_BOOK, clusters_of, ended, with_readings
from desk.analysis.scenarios import MODEL, corridor, model_odds, scenarios
from desk.analysis.shape import DAY, FRAMES, MINUTE, Analysis, Bar, Beside, Frame, HftAverage, Level, Weights
from desk.analysis.technical import technical, technical_score
from desk.analysis.timeframes import coverage as data_coverage
from desk.analysis.timeframes import timeframes, trend_score
from desk.errors import FeedError
from desk.events import TrendBias
from desk.messages import Side
from desk.research.outlook import odds
from desk.research.reactions import best_measured, reactions
from desk.signals.trend import bias_effect

PROFILE_FRAME = "1h"  # 720 bars: 30 days of volume at price
TECHNICAL_FRAME = "4h"
CHART_FRAME, CHART_BARS = "4h", 180  # the same 30 days
# What levels and scenarios are measured on: 183 days of hours; of quarters 30 days more, for their daily profiles.
PAST_BARS = {"15m": 20_448, "1h": 4400, "4h": 4400, "1d": 4400}
HOUR_NS = 60 * MINUTE
HOLE_BARS, BRIDGE_BARS = 26, 60  # the longest average; after 60 more candles it has forgotten
STANCES = {
    "accepted": "accepted outside value, two closes in a row",
    "testing": "one close outside value, not yet confirmed",
    "rejected": "poked out of value within 12 bars and came back",
    "inside": "inside value",
}


def analyse(
    symbol: str,
    frames: Mapping[str, Frame],
    now_ns: int,
    hft: HftAverage | None = None,
    weights: Weights | None = None,
    measure: bool = True,
    beside: Beside | None = None,
) -> Analysis:
    """What can be said about `symbol` at `now_ns` from candles that had closed by then; nothing later is looked at.

    `frames` by interval name ("5m" … "1w"), any of them may be absent or short: what they would have given is None with
    a reason. `hft` is the order-book score's 15-minute average; `beside` what to compare with and what was recorded, of
    which nothing after `now_ns` is used. `measure` False leaves out the record of past days (for scans): no reaction
    rates, and scenarios from the model. Raises FeedError when no frame holds a closed candle.
    """
    cut = {name: frames[name].upto(now_ns) for name in FRAMES if name in frames}
    cut = {name: f for name, f in cut.items() if len(f)}
    old = behind(cut)
    known = {name: f for name, f in cut.items() if name not in old}
    frames = {name: f for name, f in frames.items() if name not in old}
    if not known:
        raise FeedError(f"{symbol}: no closed candle before the moment of the analysis; give the source more history")
    finest = next(iter(known.values()))
    last = float(finest.close[-1])

    rows = timeframes(known)
    trend, confluence, trend_note = trend_score(rows)
    area = known.get(PROFILE_FRAME)
    shape = profile(area, PROFILE_FRAME) if area is not None else None
    if area is None or shape is None:
        value, stance = None, ""
        value_note = f"no profile: {len(area) if area is not None else 0} moving {PROFILE_FRAME} candles"
    else:
        value, stance = profile_score(area, shape)
        value_note = STANCES[stance]
    source = known.get(TECHNICAL_FRAME)
    tech = technical(source, TECHNICAL_FRAME) if source is not None else None
    tech_value = technical_score(tech) if tech is not None else None
    tech_note = "; ".join(tech.why) if tech is not None else f"too few {TECHNICAL_FRAME} candles"
    book = hft_part(hft, now_ns)

    terms = combine((trend, trend_note), (value, value_note), (tech_value, tech_note), book, weights or Weights())
    total = score(terms)
    daily = next((r.atr for r in rows if r.name == "1d"), None)
    past = {name: frames[name].upto(now_ns, n) for name, n in PAST_BARS.items() if name in known and measure}
    records = reactions(past)
    recorded = ended(beside.recorded, now_ns) if beside is not None and beside.recorded is not None else Recorded("")
    days = profiles(frames, now_ns, shape)
    naked = [day.poc for day in days.sessions if day.naked] if days is not None else []
    found = candidates(known, shape, last, now_ns, naked, clusters_of(recorded, now_ns))
    near = levels(last, daily, found, area)
    near = tuple(structs.replace(lv, reaction=best_measured(records, lv.kinds)) for lv in near)
    outlook = plan(symbol, last, daily, near, past, total, now_ns)
    chart = known.get(CHART_FRAME, finest).upto(now_ns, CHART_BARS)
    chart_name = CHART_FRAME if CHART_FRAME in known else next(iter(known))
    described = Analysis(
        symbol=symbol,
        ts=now_ns,
        last=last,
        last_ts=finest.end,
        score=total,
        label=label(total),
        coverage=coverage(terms),
        confluence=confluence,
        terms=terms,
        verdict=unmeasured(total),
        timeframes=rows,
        technical=tech,
        profile=shape,
        acceptance=stance,
        levels=near,
        data=data_coverage(known),
        chart=chart_name,
        bars=bars(chart),
        unknown=(
            *(
                f"{name}: left out, its newest candle closed {days:.0f} days before the others'."
                for name, days in old.items()
            ),
            *unknown(known, now_ns, (trend, trend_note), (value, value_note), (tech_value, tech_note), book),
            *unmeasured_plan(records, outlook),
        ),
        reactions=records,
        scenarios=outlook,
        entries=entries(last, daily, near, rows, book[0]),
        profiles=days,
        book_gaps=book_gaps(terms, hft, recorded),
    )
    return with_readings(described, frames, beside or Beside())


def behind(frames: Mapping[str, Frame]) -> dict[str, float]:
    """The frames that end more than a day, and two of their candles, before the newest one, with the days they lack.

    Their last price is not the market's: a store may hold minutes of last year beside this year's days.
    """
    newest = max((f.end for f in frames.values()), default=0)
    late = {name: newest - f.end for name, f in frames.items() if newest - f.end > max(DAY, 2 * f.interval_ns)}
    return {name: gone / DAY for name, gone in late.items()}


def plan(
    symbol: str,
    last: float,
    atr: float | None,
    near: tuple[Level, ...],
    past: Mapping[str, Frame],
    total: float | None,
    now_ns: int,
) -> tuple[Scenario, ...]:
    """Bull, bear and range until a day from now; nothing without a daily ATR. Sizes: what the bias does to scalps."""
    if not atr:
        return ()
    bounds = corridor(last, atr, near)
    posted = TrendBias(now_ns, symbol, total or 0.0, now_ns + 1, label(total), 1.0)
    longs, shorts = (bias_effect(side, posted, now_ns).factor for side in (Side.BUY, Side.SELL))
    return scenarios(bounds, odds(past, bounds) if past else model_odds(bounds), now_ns, longs, shorts)


def bias(analysis: Analysis, now: int, hours: float) -> TrendBias:
    """The word the fast system hears: score, label and contributions, valid for `hours` from `now` (ns).

    Without enough data the score is 0, which filters nothing, and the label says INSUFFICIENT DATA.
    """
    enough = analysis.score is not None
    return TrendBias(
        ts=now,
        symbol=analysis.symbol,
        score=analysis.score if analysis.score is not None else 0.0,
        expires=now + round(hours * HOUR_NS),
        label=analysis.label,
        coverage=analysis.coverage,
        because={t.key: t.contribution for t in analysis.terms if enough and t.contribution is not None},
    )


def bars(frame: Frame) -> tuple[Bar, ...]:
    """The candles of a frame as plain rows."""
    columns = (frame.ts, frame.open, frame.high, frame.low, frame.close, frame.volume)
    return tuple(Bar(int(t), *map(float, row)) for t, *row in zip(*columns, strict=True))


def unknown(known: Mapping[str, Frame], now_ns: int, *parts: tuple[float | None, str]) -> tuple[str, ...]:
    """What a reader must not assume: missing evidence, missing terms, gaps, old data."""
    out = [UNRECORDED]
    names = ("Timeframe term", "Volume profile term", "Technical term", "Order-book term")
    for name, (value, note) in zip(names, parts, strict=True):
        if value is None:
            out.append(f"{name} missing: {note}.")
        elif note.startswith("without"):
            out.append(f"{name} computed {note}.")
    for name in FRAMES:
        if name not in known:
            out.append(f"No closed {name} candles.")
        elif known[name].gaps:
            f = known[name]
            out.append(
                f"{name}: {f.gaps} of {len(f) + f.gaps} candles are missing; they are gaps, nothing was filled in."
            )
            out += bridged(name, known[name])
    newest = max(f.end for f in known.values())
    finest = next(iter(known.values())).interval_ns
    if now_ns - newest > 2 * finest:
        out.append(f"What happened since the last closed candle, {(now_ns - newest) // MINUTE} minutes ago.")
    out.append(NO_BOOK)
    return tuple(out)


def bridged(name: str, f: Frame) -> list[str]:
    """A long hole so near the end that averages and ranges still reach across it, as if one candle had jumped there."""
    recent = f.ts[-BRIDGE_BARS:]
    holes = (recent[1:] - recent[:-1]) // f.interval_ns - 1
    rests = "trend, ATR and what rests on them (levels, scenarios, stops) still bridge it"
    return [
        f"{name}: a hole of {hole:,} candles ends {len(holes) - i} candles before the last one: {rests}."
        for i, hole in enumerate(holes.tolist())
        if hole >= HOLE_BARS
    ]


def unmeasured_plan(records: tuple[Reaction, ...], outlook: tuple[Scenario, ...]) -> tuple[str, ...]:
    """What is not known about the levels and the scenarios."""
    out = []
    if not any(r.n for r in records):
        out.append("Whether the price turns at these levels: the history is too short for a single past touch.")
    if not outlook:
        out.append("Scenarios: without a daily ATR there is no measure of what is near.")
    elif outlook[0].basis == MODEL:
        out.append("How often the scenarios happened: too few past days; the odds are those of a walk without drift.")
    return tuple(out)


if __name__ == "__main__":
    import sys

    from deploy_trading_systems import main

    words = sys.argv[1:]
    first = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    symbols = ["--symbols", ",".join(words[:first])] if first else []
    sys.exit(main(["--mode", "ultimate", "--once", *symbols, *words[first:]]))
