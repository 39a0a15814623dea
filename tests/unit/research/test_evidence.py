"""desk/research/evidence.py: the whole answer for one symbol, without the future, and the ledger's part in it."""

from __future__ import annotations

import msgspec
import numpy as np
from candles import frames_of, walk
from shared import shared

from desk.analysis.combine import UNRECORDED
from desk.analysis.past import Past, past
from desk.analysis.shape import DAY, Frame, Weights
from desk.io.history import FileHistory
from desk.research.evidence import LOOKS, answer, supported, weigh
from desk.research.skill import days_of, variants
from desk.research.skill import walk as walk_forward
from desk.research.trials import Trial
from ultimate_crypto_analyzer import analyse

FINE = walk(420 * 24, "1h", seed=3, drift=0.01)
FRAMES = frames_of(FINE)
NOW = FINE.end


def cut(f: Frame, now: int) -> Frame:
    """The candles as they were at `now`: nothing after it exists."""
    n = int(np.searchsorted(f.ts, now - f.interval_ns, side="right"))
    return Frame(f.ts[:n], f.open[:n], f.high[:n], f.low[:n], f.close[:n], f.volume[:n], f.interval_ns, f.thin[:n])


def test_cutting_the_future_at_200_random_moments_changes_no_past_score_and_no_past_trade() -> None:
    """Real candles of three years: what is later than the moment is absent, or present; bit for bit the same."""
    frames = FileHistory(shared("market/candles/binance_long")).frames("BTC/USDT")
    short = {name: cut(f, int(f.ts[0]) + 380 * DAY) for name, f in frames.items()}
    whole = past(short, 2**62, Weights())
    days = days_of(whole, 5)
    sides = walk_forward(whole.values["score"], days, variants(whole.values["score"], days, 80.0)).side
    dice = np.random.Generator(np.random.PCG64(9))
    for at in dice.integers(int(whole.ts[5]), int(whole.ts[-1]), 200).tolist():
        then = past({name: cut(f, at) for name, f in short.items()}, at, Weights())
        rows = len(then)
        assert int(then.ts[-1]) <= at < int(whole.ts[rows])
        for key, values in then.values.items():
            np.testing.assert_array_equal(values, whole.values[key][:rows])
        known = days_of(then, 5)
        traded = walk_forward(then.values["score"], known, variants(then.values["score"], known, 80.0))
        np.testing.assert_array_equal(traded.side[traded.tested], sides[:rows][traded.tested])


def test_cutting_the_future_changes_nothing_in_the_answer() -> None:
    """Evidence, verdict and trials at three moments, every field."""
    for back in (0, 37, 400):
        now = NOW - back * DAY - 9 * DAY // 24
        a = analyse("BTC/USDT", FRAMES, now)
        gone = {name: cut(f, now) for name, f in FRAMES.items()}
        assert answer(a, FRAMES, Weights(), 80.0, resamples=40) == answer(a, gone, Weights(), 80.0, resamples=40)


def test_the_answer_is_complete_finite_and_reproducible() -> None:
    """Every value at every horizon, out of sample after 180 days, the same bytes twice."""
    a = analyse("BTC/USDT", FRAMES, NOW)
    once, again = (answer(a, FRAMES, Weights(), 20.0, symbols=3, resamples=60) for _ in range(2))
    assert msgspec.json.encode(once) == msgspec.json.encode(again)
    e = once.evidence
    assert [(s.key, s.horizon_days) for s in e.skills] == [*LOOKS, ("hft", 1), ("hft", 5)]
    assert {s.word for s in e.skills if s.key == "hft"} == {"NOT MEASURED"}
    assert e.begin >= int(FRAMES["1d"].ts[0]) + 180 * DAY
    assert e.end + 5 * DAY <= NOW
    assert (len(once.trials), e.trials) == (24, 72)
    assert e.nearest is not None
    assert e.pbo is not None
    for s in e.skills[:-2]:
        assert s.ic is not None
        assert s.dsr is not None
        assert s.psr is not None
        assert s.dsr <= s.psr
        assert s.edge_bps is not None
        assert s.net_bps is not None
        assert abs(s.edge_bps.value - s.net_bps.value - 20.0) < 1e-9
        assert all(w.begin <= w.end for w in s.windows)
        assert [c.kind for c in s.controls] == ["sign-shuffled", "shifted"]
        assert all(c.low < c.high and 0.0 < c.as_far <= 1.0 and 0.0 <= c.quiet <= 1.0 for c in s.controls)
    assert [f.key for f in e.fades] == ["score", "mtf", "profile", "technical"]
    assert all((f.half_life is None) == bool(f.why) for f in e.fades)
    assert set(e.loud) <= {1, 5}
    made = supported(a, once, simulated=True)
    assert (made.verdict.reason.startswith("SIMULATED market: "), made.evidence) == (True, e)
    assert UNRECORDED in a.unknown
    assert UNRECORDED not in made.unknown
    assert b"NaN" not in msgspec.json.encode(made)


def test_more_variants_in_the_ledger_make_the_same_record_less_surprising() -> None:
    """Breaks: trying until something works costs nothing."""
    then = past(FRAMES, NOW, Weights())
    tried = tuple(Trial(1, "BTC/USDT", f"rule {i}", 0.1 * (-1) ** i, 400) for i in range(50))
    other = tuple(Trial(1, "ETH/USDT", f"rule {i}", 0.1 * (-1) ** i, 400) for i in range(50))
    look = (("score", 5),)
    few, same, many = (weigh(then, "BTC/USDT", 50.0, Weights(), 0.0, t, 1, 40, look) for t in ((), other, tried))
    assert (few.evidence.trials, same.evidence.trials, many.evidence.trials) == (3, 3, 53)
    assert few == same
    assert (many.evidence.skills[0].dsr or 0.0) < (few.evidence.skills[0].dsr or 0.0)


def test_short_history_and_no_score_say_what_is_missing() -> None:
    """A first run has a month of hours: no record, and no word that sounds like one."""
    frames = frames_of(walk(30 * 24, "1h"))
    a = analyse("BTC/USDT", frames, frames["1h"].end)
    found = answer(a, frames, Weights(), 80.0, resamples=40)
    assert (found.verdict.word, found.verdict.side, found.evidence.days) == ("no evidence", "neutral", 0)
    assert "a walk forward needs about 240" in found.verdict.reason
    assert UNRECORDED in supported(a, found).unknown
    then = past(FRAMES, NOW, Weights())
    assert "too little data" in weigh(then, "X/Y", None, Weights(), 0.0, resamples=40).verdict.reason
    nothing = Past(then.ts[:0], then.close[:0], {key: v[:0] for key, v in then.values.items()})
    assert weigh(nothing, "X/Y", 50.0, Weights(), 0.0).verdict.word == "no evidence"
