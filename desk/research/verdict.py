"""The verdict: which word and which side the record allows. The only place where a side is ever named.

no evidence   nothing measured, too few trades, or the interval after costs includes no edge
weak          the whole 95 % interval of the mean net result lies above 0, and Newey–West's t is at least 2
moderate      and the deflated Sharpe ratio is at least 0.95: better than the luckiest of all variants tried
strong        and t is at least 3, and the probability of overfitting is below 0.1
"""

from __future__ import annotations

from math import isfinite

import msgspec

from desk.analysis.evidence import Interval
from desk.analysis.shape import Verdict

NO_EVIDENCE = "no evidence"
T_WEAK, T_STRONG = 2.0, 3.0
DSR = 0.95
PBO = 0.1


class Record(msgspec.Struct, frozen=True):
    """What followed, out of sample, when the score took the side it takes now (`side` −1, 0, +1).

    `net_bps`: mean result of a trade after `cost_bps`, with its interval, and `t`; `trades` that do not overlap, of
    which `need` are needed; `begin`..`end` ns. `dsr`, `pbo`: of the whole rule. None: not measured, and `why`.
    """

    side: int
    horizon_days: int
    cost_bps: float
    net_bps: Interval | None = None
    t: float | None = None
    trades: int = 0
    need: int = 0
    begin: int | None = None
    end: int | None = None
    dsr: float | None = None
    pbo: float | None = None
    hold_bps: float | None = None
    threshold: float | None = None
    why: str = ""


def verdict(record: Record) -> Verdict:
    """The word, the side and the sentence for a record.

    A side, and with it the words long, short, bullish and bearish, needs the whole interval above no edge.
    """
    net, t = record.net_bps, record.t
    if record.side == 0 and record.begin is not None:
        return _verdict(record, NO_EVIDENCE, record.why or "the rule takes no side now")
    if record.side == 0 or net is None or t is None or not all(map(isfinite, (net.value, net.low, net.high, t))):
        return _verdict(record, NO_EVIDENCE, f"not measured: {record.why or 'no record'}")
    after = f"{_range(net)} a trade after {record.cost_bps:.0f} bps of costs"
    if record.trades < record.need:
        few = f"insufficient data: {record.trades} trades like this one that do not overlap, needs {record.need}"
        return _verdict(record, NO_EVIDENCE, f"{few}; so far {after}")
    if not net.low <= net.value <= net.high or net.low <= 0.0:
        where = "is no edge but a loss" if net.high < 0.0 else "includes no edge"
        return _verdict(record, NO_EVIDENCE, f"the interval {where}: {after}")
    if t < T_WEAK:
        return _verdict(record, NO_EVIDENCE, f"t is {t:.1f}, below {T_WEAK:.0f}: {after}")
    way = "bullish" if record.side > 0 else "bearish"
    side = "long" if record.side > 0 else "short"
    return _verdict(
        record, _word(record, t), f"{way}: past days like this one brought {after}; {_caution(record)}", side
    )


def _word(record: Record, t: float) -> str:
    if record.dsr is None or not record.dsr >= DSR:
        return "weak"
    if t >= T_STRONG and record.pbo is not None and record.pbo < PBO:
        return "strong"
    return "moderate"


def _caution(record: Record) -> str:
    """How much of it may be luck."""
    luck = "not measured" if record.dsr is None else f"{100 * record.dsr:.0f} %"
    overfit = "not measured" if record.pbo is None else f"{100 * record.pbo:.0f} %"
    return f"{_market(record)}better than the luckiest of all variants tried: {luck}; overfitted: {overfit}"


def _market(record: Record) -> str:
    """What doing the same on every day would have brought: an edge no larger may be the market's."""
    if record.hold_bps is None or record.net_bps is None:
        return ""
    always = record.side * record.hold_bps - record.cost_bps
    doubt = (
        "" if always < record.net_bps.low else ", not below the interval: it may be the market's edge, not the score's"
    )
    return f"the same on every day: {_signed(always)} bps{doubt}; "


def _range(i: Interval) -> str:
    return f"{_signed(i.value)} bps [{_signed(i.low)}, {_signed(i.high)}]"


def _signed(x: float) -> str:
    return f"{x:+,.0f}".replace("-", "−")


def _verdict(record: Record, word: str, reason: str, side: str = "neutral") -> Verdict:
    net = record.net_bps
    return Verdict(
        word,
        side,
        reason,
        net,
        record.horizon_days,
        record.trades,
        record.begin,
        record.end,
        record.cost_bps,
        None if net is None else net.value + record.cost_bps,
    )
