"""The indicators of every interval at its last closed bar, from the fused kernels; the library's long tail where asked.

ADX, RSI, ATR and MACD are seeded with plain means, so they need some 250 bars to forget where the data began.
"""

from __future__ import annotations

from collections.abc import Mapping

from desk.analysis.divergence import divergences
from desk.analysis.findings import Divergence, Study
from desk.analysis.ichimoku import ichimoku
from desk.analysis.library import latest
from desk.analysis.resample import MONDAY
from desk.analysis.shape import DAY, FRAMES, Floats, Frame
from desk.analysis.timeframes import MIN_BARS, RANK_BARS, rank
from desk.kernels import indicators as kernels

SESSION = {"1d": 7 * DAY, "1w": 0}  # of the VWAP, ns; a UTC day for the shorter intervals
RECENT = 30  # bars in which a divergence is still worth telling
SUPERTREND_BARS, SUPERTREND_ATR = 10, 3.0


def rows_of(frame: Frame, name: str) -> Floats:
    """The ten rows of desk.kernels.indicators.six for a frame: (10, T)."""
    session = SESSION.get(name, DAY)
    return kernels.six(frame.ts - MONDAY, frame.high, frame.low, frame.close, frame.volume, session)


def told(frame: Frame, six: Floats) -> list[Divergence]:
    """Divergences of RSI and MACD histogram that became known within the last 30 bars."""
    since = frame.end - RECENT * frame.interval_ns
    found = divergences(frame, six[kernels.RSI], "RSI") + divergences(frame, six[kernels.HISTOGRAM], "MACD histogram")
    return sorted((d for d in found if d.known > since), key=lambda d: (d.known, d.oscillator, d.bullish))


def study(frame: Frame, name: str, long_tail: bool = False) -> Study | None:
    """All of one interval; None below 60 bars or when the price has not moved."""
    if len(frame) < MIN_BARS or float(frame.high.max()) <= float(frame.low.min()):
        return None
    six = rows_of(frame, name)
    last = [float(x) for x in six[:, -1]]
    width = (six[kernels.UPPER] - six[kernels.LOWER])[kernels.BAND - 1 :] / six[kernels.MIDDLE][kernels.BAND - 1 :]
    plus, minus, adx = (float(x) for x in kernels.directional(frame.high, frame.low, frame.close, 14)[:, -1])
    trail = kernels.supertrend(frame.high, frame.low, frame.close, SUPERTREND_BARS, SUPERTREND_ATR)[:, -1]
    vwap = last[kernels.VWAP]
    return Study(
        interval=name,
        ema=last[kernels.EMA],
        rsi=last[kernels.RSI],
        macd=last[kernels.MACD],
        signal=last[kernels.SIGNAL],
        histogram=last[kernels.HISTOGRAM],
        upper=last[kernels.UPPER],
        middle=last[kernels.MIDDLE],
        lower=last[kernels.LOWER],
        width_rank=rank(width[-RANK_BARS:]),
        atr=last[kernels.ATR],
        plus_di=plus,
        minus_di=minus,
        adx=adx,
        supertrend=float(trail[0]),
        side="long" if trail[1] > 0 else "short",
        vwap=vwap if vwap == vwap else None,
        ichimoku=ichimoku(frame),
        divergences=tuple(told(frame, six)),
        more=latest(frame) if long_tail else {},
    )


def studies(frames: Mapping[str, Frame], long_tail: str) -> tuple[Study, ...]:
    """One study per interval that has the bars, longest first; the library's long tail for `long_tail` alone."""
    made = (study(frames[name], name, name == long_tail) for name in reversed(FRAMES) if name in frames)
    return tuple(s for s in made if s is not None)
