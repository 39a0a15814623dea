"""Compile every kernel once, so that neither the first report nor the first frame waits for the compiler."""

from __future__ import annotations

import numpy as np

from desk.kernels.averages import ema, true_range, wilder
from desk.kernels.candles import gather
from desk.kernels.exits import first_exits
from desk.kernels.indicators import directional, six, supertrend
from desk.kernels.jit import forget_older
from desk.kernels.l2 import l2_entries
from desk.kernels.l2_lines import l2_lines_entry
from desk.kernels.l3 import l3_entries
from desk.kernels.l3_read import l3_reader
from desk.kernels.profile import price_histogram, spread_volume
from desk.kernels.rush import rush_entries
from desk.kernels.streak import streak_entries
from desk.kernels.tape_scan import tape_entries
from desk.kernels.technical import technical_entries
from desk.kernels.touch import touch_entries
from desk.kernels.trade_frame import trade_frame_entry
from desk.kernels.value_area import value_bins


def warm() -> None:
    """Call each kernel on a few numbers of the types it will meet; the machine code is then on disk.

    >>> warm()
    """
    forget_older()
    few = np.array([1.0, 2.0, 3.0])
    ema(few, 2)
    wilder(few, 2)
    true_range(few, few, few)
    spread_volume(few, few + 1.0, few, 1.0, 1.0, 4)
    first_exits(few, few, np.zeros(1, np.int64), np.ones(1, np.int64), few[:1], few[:1])
    price_histogram(few, few, 1.0, 1.0, 4)
    whole, flags = np.arange(3), np.zeros(3, np.bool_)
    gather(whole, few, few, few, few, few, flags, 2, 0, 2, 0, 4, whole.copy(), np.empty((5, 3)), flags.copy())
    six(np.arange(3), few, few, few, few, 0)
    directional(few, few, few, 2)
    supertrend(few, few, few, 2, 3.0)
    value_bins(few, 0.7, 2)
    l2_entries()
    l2_lines_entry()
    l3_entries()
    l3_reader()
    rush_entries()
    streak_entries()
    tape_entries()
    technical_entries()
    touch_entries()
    trade_frame_entry()
