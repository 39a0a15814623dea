"""The scalper: each gate says its code, a clean setup becomes one signal, and a trade ends as planned."""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from operator import add

import msgspec
import pytest
from hand_view import BTC, MINUTE, SECOND, HandBook, HandPulse, HandReading, HandView, climbing

from desk import config
from desk.events import Ended, Event, Fill, TrendBias
from desk.instrument import Instrument
from desk.intents import Decline, Intent, Place, Signal, Withdraw
from desk.messages import Candle, Side, Trade
from desk.signals.timing import entry_advice
from scalping_engine import LightweightIndicators, ScalpingEngine, ScalpingSignal

KEY = BTC.key
ETH = Instrument("ETH/USD", "kraken", px_decimals=1, qty_decimals=8, qty_min=10_000)


def engine(
    *insts: str,
    maker: float = 0.0,
    taker: float = 0.0,
    hybrid: bool = False,
    scalping: config.ScalpingEngine | None = None,
    risk: config.Risk | None = None,
) -> ScalpingEngine:
    return ScalpingEngine(
        insts or (KEY,),
        scalping or config.ScalpingEngine(),
        config.HybridMode(),
        config.HftSignals(),
        risk or config.Risk(),
        maker,
        taker,
        hybrid,
    )


def desk(rho: float | None = 0.5, bars: int = 60, *instruments: Instrument) -> HandView:
    """A clean setup to buy: an hour of climbing minutes, a tick of spread, a book that agrees."""
    view = HandView(*instruments or (BTC,))
    view.now = bars * MINUTE
    for inst in view.instruments:
        view.history[inst] = climbing(bars, inst)
        close = view.history[inst][-1].close if bars else 990_000
        view.books[inst] = HandBook(close, close + 1)
        if rho is not None:
            view.press(rho, inst)
    return view


def beat(scalper: ScalpingEngine, view: HandView, inst: str = KEY) -> list[Intent]:
    """What a beat makes it say of one symbol."""
    return [i for i in scalper.on_timer("beat", view) if getattr(i, "inst", inst) == inst]


def said(intents: object) -> str:
    """The code of the one Decline among what was yielded."""
    codes = [i.code for i in intents if isinstance(i, Decline)]  # type: ignore[attr-defined]
    assert len(codes) == 1
    return codes[0]


def traded(intents: object) -> tuple[Signal, Place]:
    signal, place = list(intents)  # type: ignore[call-overload]
    assert isinstance(signal, ScalpingSignal)
    assert isinstance(place, Place)
    return signal, place


def bias(score: float, expires: int = 10**18) -> TrendBias:
    return TrendBias(0, "BTC/USD", score, expires, "MORNING", 1.0)


# --- gates


def test_a_book_that_is_not_ready_is_refused_with_the_books_own_reason() -> None:
    view = desk()
    view.books[KEY].why = "BOOK_NOT_SYNCED"
    assert said(beat(engine(), view)) == "FEED:BOOK_NOT_SYNCED"


def test_an_old_book_takes_no_entries_from_five_seconds_on() -> None:
    """Greyed from 5 s: shown, not traded."""
    view = desk()
    view.books[KEY].age_ns = 5 * SECOND
    assert isinstance(next(iter(engine().on_book(KEY, view))), Signal)
    view.books[KEY].age_ns += 1
    assert said(beat(engine(), view)) == "STALE_BOOK"


def test_without_history_it_warms_up_and_with_history_it_is_warm_at_once() -> None:
    assert said(beat(engine(), desk(bars=10))) == "WARM_UP"
    assert said(beat(engine(), desk(bars=0))) == "WARM_UP"
    traded(engine().on_book(KEY, desk(bars=39)))


def test_a_weak_technical_score_is_no_side() -> None:
    view = desk()
    view.history[KEY] = [Candle(KEY, i * MINUTE, MINUTE, 990_000, 990_100, 989_900, 990_000, 10, 1) for i in range(60)]
    assert said(beat(engine(), view)) == "WEAK_TECHNICAL"


def entry_at(*rhos: float) -> tuple[float, Signal, Place] | None:
    """One book each half second, the last one for as long as it takes; when it entered, if it did within 20 s."""
    view, scalper = desk(rhos[0]), engine()
    for step in range(40):
        view.press(rhos[min(step, len(rhos) - 1)])
        intents = beat(scalper, view)
        if any(isinstance(i, Signal) for i in intents):
            return step / 2, *traded(intents)
        assert all(isinstance(i, Decline) and i.code == "HFT_CONFLICT" for i in intents)
        view.now += SECOND // 2
    return None


def test_a_book_against_the_side_delays_the_entry_which_then_rests_at_seven_tenths() -> None:
    """Five seconds; resting although taking is free; asked anew once the book has let go."""
    found = entry_at(-0.3)
    assert found is not None
    waited, signal, place = found
    assert (waited, signal.alignment, signal.size_factor) == (5.0, "MODERATE_CONFLICT", 0.7)
    assert (place.tif, place.post_only, place.px) == ("gtc", True, signal.entry)
    assert any(reason.startswith("JOIN") for reason in signal.reasons)
    traded(engine(scalping=config.ScalpingEngine(conflict_wait_s=0.0)).on_book(KEY, desk(-0.3)))
    view, scalper = desk(-0.3), engine()
    assert said(beat(scalper, view)) == "HFT_CONFLICT"
    view.now += 4 * SECOND
    view.press(-0.1)
    view.purse = Decimal("0.5")  # a "no" that is not the book's
    assert said(beat(scalper, view)) == "SIZE_ZERO"
    view.purse, view.now = Decimal(10_000), view.now + 2 * SECOND
    view.press(-0.3)
    assert said(beat(scalper, view)) == "HFT_CONFLICT"


def test_strong_pressure_against_the_side_aborts_while_it_builds_and_halves_the_size_when_it_fades() -> None:
    """All four factors size entries: 1.5 and 1.0 are below."""
    assert entry_at(-0.97) is None
    found = entry_at(*[-1.0] * 12, -0.97)
    assert found is not None
    waited, signal, place = found
    assert (waited, signal.alignment, signal.size_factor) == (6.0, "STRONG_CONFLICT", 0.5)
    assert place.post_only
    whole, _ = traded(engine().on_book(KEY, desk(0.0)))
    assert signal.qty == pytest.approx(whole.qty / 2, rel=0.01)


def test_a_wide_spread_without_help_from_the_book_waits() -> None:
    """A real fee tier rests its orders; in a spread far above the usual it does not rest them either."""
    view = desk(rho=None)
    view.books[KEY].ask += 400
    assert said(beat(engine(maker=25.0, taker=40.0), view)) == "WIDE_SPREAD"


def test_the_bias_blocks_or_asks_for_strong_alignment_in_a_hybrid_run() -> None:
    view = desk(0.5)
    view.biases["BTC/USD"] = bias(-70.0)
    assert said(beat(engine(hybrid=True), view)) == "BIAS_BLOCKS"
    view.biases["BTC/USD"] = bias(-30.0)
    assert said(beat(engine(hybrid=True), view)) == "BIAS_NEEDS_STRONG_ALIGNMENT"
    view.press(0.95)
    halved, _ = traded(engine(hybrid=True).on_book(KEY, view))
    view.biases.clear()
    whole, _ = traded(engine(hybrid=True).on_book(KEY, view))
    assert (halved.size_factor, whole.size_factor) == (0.75, 1.5)
    assert halved.qty == pytest.approx(whole.qty / 2, abs=1)


def test_a_plain_run_and_a_switched_off_filter_ignore_the_bias() -> None:
    view = desk()
    view.biases["BTC/USD"] = bias(-90.0)
    traded(engine().on_book(KEY, view))
    off = ScalpingEngine(
        (KEY,),
        config.ScalpingEngine(),
        config.HybridMode(trend_filter=False),
        config.HftSignals(),
        config.Risk(),
        0.0,
        0.0,
        True,
    )
    traded(off.on_book(KEY, view))


def test_an_edge_below_the_costs_of_the_users_tier_is_no_trade() -> None:
    """The same setup that trades for free needs more than every win at Kraken's entry tier."""
    view = desk()
    view.history[KEY] = climbing(60, reach=650)  # a bar's range is about 0.1 % of the price: so is the stop
    view.books[KEY] = HandBook(view.history[KEY][-1].close, view.history[KEY][-1].close + 1)
    view.press(0.5)
    (decline,) = beat(engine(maker=25.0, taker=40.0), view)
    assert isinstance(decline, Decline)
    said = decline.because
    assert said["target_bps"] == pytest.approx(2 * said["stop_bps"], rel=0.01)
    assert 18.0 < said["target_bps"] < 32.0
    assert said["cost_bps"] == pytest.approx(65.0, abs=0.1)
    assert said["break_even"] == (said["stop_bps"] + said["cost_bps"]) / (said["target_bps"] + said["stop_bps"])
    signal, _ = traded(engine().on_book(KEY, view))
    assert signal.break_even < 0.36
    assert decline.code == "EDGE_BELOW_COST"
    assert decline.because["break_even"] > 1.0
    assert decline.because["cost_bps"] > 65.0


def test_after_a_trade_a_symbol_rests_and_others_do_not() -> None:
    view, scalper = desk(0.5, 60, BTC, ETH), engine(KEY, ETH.key)
    view.take(scalper.on_book(KEY, view))
    view.end("o1", "expired")  # the order did not trade
    view.now += SECOND
    view.press(0.5)
    intents = list(scalper.on_timer("beat", view))
    assert said(i for i in intents if isinstance(i, Decline)) == "COOLDOWN"
    assert traded(i for i in intents if not isinstance(i, Decline))[0].inst == ETH.key
    view.now += 15 * SECOND
    view.press(0.5)
    signal, _ = traded(scalper.on_book(KEY, view))
    assert signal.signal_id == "s3"


def test_no_more_trades_at_once_than_configured() -> None:
    view = desk(0.5, 60, BTC, ETH)
    scalper = engine(KEY, ETH.key, scalping=config.ScalpingEngine(max_concurrent_signals=1))
    view.take(scalper.on_book(KEY, view))
    assert said(beat(scalper, view, ETH.key)) == "MAX_CONCURRENT"


def test_a_symbol_under_way_is_not_entered_again_nor_reversed() -> None:
    view, scalper = desk(), engine()
    view.take(scalper.on_book(KEY, view))
    assert said(beat(scalper, view)) == "ALREADY_IN_POSITION"
    scalper.on_fill(view.fill("o1"), view)
    falling = [msgspec.structs.replace(b, open=b.close, close=b.open) for b in reversed(view.history[KEY])]
    view.history[KEY] = [msgspec.structs.replace(b, begin=i * MINUTE) for i, b in enumerate(falling)]
    view.press(-0.2)
    assert not any(isinstance(i, Signal) for i in scalper.on_book(KEY, view))


def test_a_size_below_the_venues_minimum_is_no_order() -> None:
    """Dust is refused before the venue does it."""
    view = desk()
    view.purse = Decimal("0.5")
    assert said(beat(engine(), view)) == "SIZE_ZERO"


def test_a_refusal_is_said_on_the_beat_when_it_changes_and_once_a_second_but_always_counted() -> None:
    """The journal is not a drum; the funnel misses nothing."""
    view, scalper = desk(-0.9), engine()
    spoken = []
    for step in range(25):
        view.now = 60 * MINUTE + step * SECOND // 10
        view.press(-0.9)
        spoken += [(step, i.code) for i in beat(scalper, view) if isinstance(i, Decline)]
    assert spoken == [(0, "HFT_CONFLICT"), (10, "HFT_CONFLICT"), (20, "HFT_CONFLICT")]
    view.books[KEY].why = "BOOK_NOT_SYNCED"
    assert said(scalper.on_timer("beat", view)) == "FEED:BOOK_NOT_SYNCED"
    view.now += 1
    assert list(scalper.on_book(KEY, view)) == []  # no beat
    view.books[KEY].why = "ONE_SIDED_BOOK"
    (last,) = beat(scalper, view)
    assert isinstance(last, Decline)
    assert (last.looks, last.counts) == (28, {"FEED:BOOK_NOT_SYNCED": 1, "FEED:ONE_SIDED_BOOK": 1})
    view.books[KEY].why = "BOOK_NOT_SYNCED"
    assert said(beat(scalper, view)) == "FEED:BOOK_NOT_SYNCED"
    assert scalper.funnel[KEY] == {"HFT_CONFLICT": 25, "FEED:BOOK_NOT_SYNCED": 3, "FEED:ONE_SIDED_BOOK": 1}
    assert scalper.slots[KEY].code == "FEED:BOOK_NOT_SYNCED"


def test_books_of_other_symbols_and_other_timers_are_not_its_business() -> None:
    view, scalper = desk(0.5, 60, BTC, ETH), engine(KEY)
    assert list(scalper.on_book(ETH.key, view)) == []
    assert list(scalper.on_timer("0/else", view)) == []


# --- a signal


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.95, None])
@pytest.mark.parametrize("most", [2_500.0, 1_000_000.0])
def test_a_clean_setup_is_a_whole_signal_inside_its_risk(rho: float | None, most: float) -> None:
    """Target at least 2:1, loss at the stop within the limit even at ×1.5, notional within the account's limits."""
    risk = config.Risk(max_order_quote=most, max_position_pct=20.0 if most < 10_000 else 100.0)
    scalping = config.ScalpingEngine(risk_per_trade=0.001)
    view = desk(rho)
    signal, place = traded(engine(scalping=scalping, risk=risk).on_book(KEY, view))
    assert signal.side is Side.BUY
    assert signal.stop < signal.entry < signal.target
    assert signal.target - signal.entry >= 2 * (signal.entry - signal.stop)
    lost = BTC.notional(signal.entry - signal.hard_stop, signal.qty)
    lost += BTC.notional(signal.entry, signal.qty) * Decimal(signal.cost_bps) / 10_000
    assert lost <= view.purse * Decimal("0.001")
    assert BTC.notional(signal.entry, signal.qty) <= min(most, 2_000.0 if most < 10_000 else 10_000.0)
    assert signal.technical == sum(signal.contributions.values())
    assert (signal.hft or 0.0) == reduce(add, signal.components.values(), 0.0)
    assert signal.hard_stop < signal.stop
    assert place.stop == signal.hard_stop
    assert (signal.ts, signal.expires, signal.horizon) == (view.now, view.now + 30 * SECOND, 300 * SECOND)
    assert (place.qty, place.px, place.reason) == (signal.qty, signal.entry, "entry")
    assert 0 < signal.strength <= 100
    assert signal.net_target_bps == pytest.approx(
        (signal.target - signal.entry) / signal.entry * 10_000 - signal.cost_bps
    )
    factor, label = {0.0: (1.0, "NEUTRAL"), 0.5: (1.0, "MODERATE_ALIGNMENT"), 0.95: (1.5, "STRONG_ALIGNMENT")}.get(
        rho if rho is not None else -9.0, (1.0, "NO_HFT")
    )
    assert (signal.size_factor, signal.alignment) == (factor, label)
    assert (signal.hft is None, signal.tier) == ((True, "") if rho is None else (False, "L3"))
    assert any("technical" in reason for reason in signal.reasons)


def test_a_fall_is_a_sell_with_everything_mirrored() -> None:
    view = desk(-0.5)
    view.history[KEY] = climbing(60, start=1_010_000, step=-200)
    close = view.history[KEY][-1].close
    view.books[KEY] = HandBook(close - 1, close)
    signal, place = traded(engine().on_book(KEY, view))
    assert (signal.side, place.side, place.px) == (Side.SELL, Side.SELL, close - 1)
    assert signal.target < signal.entry < signal.stop
    assert signal.entry - signal.target >= 2 * (signal.stop - signal.entry)


def test_where_taking_is_free_it_takes_and_where_fees_differ_it_rests() -> None:
    """IOC at the ask for free; post-only at the bid once a taker pays more than waiting is expected to cost."""
    _, place = traded(engine().on_book(KEY, desk()))
    view = desk()
    assert (place.px, place.tif, place.post_only) == (view.books[KEY].ask, "ioc", False)
    _, place = traded(engine(maker=0.0, taker=1.0).on_book(KEY, view))
    assert (place.px, place.tif, place.post_only) == (view.books[KEY].bid, "gtc", True)
    assert place.because["take_bps"] > place.because["rest_bps"]
    view = desk(0.95)
    view.books[KEY].ask += 3
    view.press(0.95)
    _, place = traded(engine(maker=0.0, taker=1.0).on_book(KEY, view))
    assert (place.px, place.post_only) == (view.books[KEY].bid + 1, True)
    assert entry_advice(80.0, 1.0, 1.0, 3, 0.0, 1.0, 1.0).action == "IMPROVE"


def broken(rule: str, flow: HandReading | None, rho: float = 0.5) -> list[Intent]:
    """What an entry does three seconds after the range broke upwards."""
    view, scalper = desk(rho), engine(scalping=config.ScalpingEngine(false_breakout=rule))
    top = max(bar.high for bar in view.history[KEY][-20:])
    scalper.on_bar(view.history[KEY][-1], view)
    scalper.on_trade(Trade(KEY, top, 10, Side.BUY, 1, view.now), view)
    scalper.on_trade(Trade(KEY, top + 5, 10, Side.BUY, 2, view.now), view)
    view.now += 3 * SECOND
    view.books[KEY] = HandBook(top + 5, top + 6)
    view.press(rho)
    if flow is not None:
        view.readings[KEY] = flow
    return beat(scalper, view)


def test_an_entry_after_a_break_that_the_flow_does_not_believe_is_halved_or_skipped() -> None:
    """Three of four votes: pressure of the book, flow, tape, calm."""
    believed, _ = traded(broken("halve", HandReading(0.6, 0.3)))
    doubted, place = traded(broken("halve", HandReading(-1.0, -0.3)))
    unknown, _ = traded(broken("halve", None))
    untold, _ = traded(broken("off", HandReading(-1.0, -0.3)))
    assert (believed.size_factor, doubted.size_factor, unknown.size_factor, untold.size_factor) == (1.0, 0.5, 0.5, 1.0)
    assert doubted.qty == pytest.approx(believed.qty / 2, abs=1)
    votes = {name: value for name, value in place.because.items() if name.startswith("vote_")}
    assert votes == {"vote_pressure": 1.0, "vote_flow": 0.0, "vote_tape": 0.0, "vote_calm": 1.0}
    (decline,) = broken("skip", HandReading(-1.0, -0.3))
    assert isinstance(decline, Decline)
    assert decline.code == "FALSE_BREAKOUT_RISK"
    assert decline.because["vote_flow"] == 0.0
    traded(broken("skip", HandReading(0.6, -0.3)))


def test_own_fills_wear_away_the_assumed_chance_of_a_resting_order() -> None:
    """P_fill of the comparison is measured: twenty assumed orders, then ours."""
    view, scalper = desk(), engine(maker=0.0, taker=1.0)
    view.take(scalper.on_book(KEY, view))
    view.end("o1", "expired")
    view.now += SECOND
    view.press(0.5)
    assert said(beat(scalper, view)) == "COOLDOWN"
    assert (scalper.experience.rested, scalper.experience.filled) == (1, 0)
    assert scalper.experience.prior.fill_probability == pytest.approx(10 / 21)
    view.now += 15 * SECOND
    view.press(0.5)
    _, place = traded(scalper.on_book(KEY, view))
    assert place.because["fill_probability"] == pytest.approx(10 / 21)


def test_without_hft_integration_the_book_score_is_not_asked() -> None:
    signal, _ = traded(engine(scalping=config.ScalpingEngine(hft_integration=False)).on_book(KEY, desk(-0.9)))
    assert (signal.alignment, signal.hft) == ("NO_HFT", None)


def test_history_that_arrives_late_warms_it_up_without_a_bar_event() -> None:
    view, scalper = desk(bars=0), engine()
    assert said(beat(scalper, view)) == "WARM_UP"
    late = desk()
    view.history, view.books, view.now = late.history, late.books, late.now
    view.press(0.5)
    traded(scalper.on_book(KEY, view))


# --- a trade


def entered(
    *, maker: float = 0.0, taker: float = 0.0, lots: int | None = None
) -> tuple[HandView, ScalpingEngine, Signal]:
    view, scalper = desk(), engine(maker=maker, taker=taker)
    intents = list(scalper.on_book(KEY, view))
    signal, _ = traded(intents)
    view.take(intents)
    view.now += SECOND
    scalper.on_fill(view.fill("o1", lots), view)
    if lots is None:
        view.end("o1")
    return view, scalper, signal


def move(view: HandView, bid: int, seconds: float = 1.0, rho: float | None = None) -> None:
    view.now += int(seconds * SECOND)
    view.books[KEY].bid, view.books[KEY].ask = bid, bid + 1
    view.scores.pop(KEY, None)
    if rho is not None:
        view.press(rho)


def actions(intents: object) -> list[Intent]:
    return [i for i in intents if not isinstance(i, Decline)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", ["stop", "take_profit", "time_stop", "book_turned"])
def test_a_position_leaves_at_its_stop_its_target_its_deadline_or_when_the_book_turns(how: str) -> None:
    """An IOC five steps through the touch for exactly what is held, once, then a rest."""
    view, scalper, signal = entered()
    inside = signal.entry
    move(view, inside)
    assert actions(scalper.on_book(KEY, view)) == []
    if how == "book_turned":
        for _ in range(40):  # the average must agree before one frame is believed
            move(view, inside, 0.5, -0.95)
            left = actions(scalper.on_book(KEY, view))
            if left:
                break
    else:
        bid = {"stop": signal.stop, "take_profit": signal.target, "time_stop": inside}[how]
        move(view, bid, 300.0 if how == "time_stop" else 1.0)
        left = actions(scalper.on_timer("beat", view))
    (place,) = left
    assert isinstance(place, Place)
    assert (place.side, place.qty, place.tif, place.reason) == (Side.SELL, signal.qty, "ioc", how)
    assert place.px == view.books[KEY].bid - 5
    view.take(left)
    assert actions(scalper.on_book(KEY, view)) == []  # one exit is on its way
    scalper.on_fill(view.fill("o2"), view)
    view.end("o2")
    move(view, inside, 1.0, 0.5)
    assert said(beat(scalper, view)) == "COOLDOWN"
    assert scalper.slots[KEY].signal is None


def test_a_book_that_holds_defers_the_stop_for_less_than_two_seconds() -> None:
    """Looked at four times a second, so it leaves one beat before they are over; 0 in the configuration: at once."""
    view, scalper, signal = entered()
    waited = 0.0
    for step in range(20):
        move(view, signal.stop, 0.25, 0.95)
        if left := actions(scalper.on_timer("beat", view)):
            waited = step * 0.25
            break
    assert waited == 1.75
    assert isinstance(left[0], Place)
    assert left[0].reason == "stop"
    view, scalper, signal = entered()
    move(view, signal.hard_stop, 0.25, 0.95)
    (place,) = actions(scalper.on_timer("beat", view))
    assert isinstance(place, Place)
    view = desk()
    plain, _ = traded(engine(scalping=config.ScalpingEngine(stop_defer_s=0.0)).on_book(KEY, view))
    assert plain.hard_stop == plain.stop


def test_an_exit_that_did_not_fill_is_sent_again_though_the_price_came_back() -> None:
    """Leaving is a decision, not a condition: a thin book must not keep the position."""
    view, scalper, signal = entered()
    move(view, signal.stop)
    view.take(scalper.on_book(KEY, view))
    scalper.on_fill(view.fill("o2", signal.qty // 3), view)
    view.end("o2", "expired")
    move(view, signal.entry, 0.1)
    assert actions(scalper.on_book(KEY, view)) == []
    move(view, signal.entry, 0.2)
    (again,) = actions(scalper.on_book(KEY, view))
    assert isinstance(again, Place)
    assert (again.qty, again.reason) == (signal.qty - signal.qty // 3, "stop")


def test_without_a_book_it_waits_for_a_price_before_leaving() -> None:
    view, scalper, _ = entered()
    move(view, 1, 400.0)
    view.books[KEY].why = "BOOK_NOT_SYNCED"
    assert actions(scalper.on_timer("beat", view)) == []
    view.books[KEY].why = ""
    assert len(actions(scalper.on_timer("beat", view))) == 1


def test_an_entry_nobody_took_is_withdrawn_when_its_evidence_has_decayed() -> None:
    view, scalper = desk(), engine(maker=0.0, taker=1.0)
    view.take(scalper.on_book(KEY, view))
    move(view, view.books[KEY].bid, 29.0)
    assert actions(scalper.on_timer("beat", view)) == []
    move(view, view.books[KEY].bid, 1.0)
    assert actions(scalper.on_timer("beat", view)) == [Withdraw("o1", "expired")]
    assert actions(scalper.on_timer("beat", view)) == []  # asked once a second, not at every tick
    view.end("o1", "cancelled")
    scalper.on_timer("beat", view)
    assert scalper.slots[KEY].signal is None


def test_a_waiting_entry_is_withdrawn_when_the_book_turns_against_it() -> None:
    view, scalper = desk(), engine(maker=0.0, taker=1.0)
    view.take(scalper.on_book(KEY, view))
    for _ in range(10):
        move(view, view.books[KEY].bid, 1.0, -0.95)
        left = actions(scalper.on_book(KEY, view))
        if left:
            break
    assert left == [Withdraw("o1", "book_turned")]


def test_a_partly_filled_entry_is_bracketed_and_its_rest_withdrawn_on_the_way_out() -> None:
    view, scalper, signal = entered(maker=0.0, taker=1.0, lots=50_000)
    move(view, signal.stop)
    withdraw, place = actions(scalper.on_book(KEY, view))
    assert withdraw == Withdraw("o1", "stop")
    assert isinstance(place, Place)
    assert (place.side, place.qty) == (Side.SELL, 50_000)


def test_a_fill_reported_after_its_order_ended_still_gets_its_bracket() -> None:
    """Otherwise the position would have no stop and hold its symbol for ever."""
    view, scalper = desk(), engine()
    intents = list(scalper.on_book(KEY, view))
    signal, _ = traded(intents)
    view.take(intents)
    late = view.fill("o1")
    view.held.clear()
    view.end("o1")
    move(view, signal.entry)
    scalper.on_book(KEY, view)
    assert scalper.slots[KEY].signal is None
    view.held[KEY] = signal.qty
    scalper.on_fill(late, view)
    move(view, signal.stop)
    (place,) = actions(scalper.on_book(KEY, view))
    assert isinstance(place, Place)
    assert (place.qty, place.reason) == (signal.qty, "stop")


def test_what_is_too_little_to_sell_does_not_hold_the_symbol_for_ever() -> None:
    view, scalper, signal = entered(lots=9_999)
    view.end("o1", "expired")
    move(view, signal.stop, 1.0, 0.5)
    assert actions(scalper.on_book(KEY, view)) == []
    assert scalper.slots[KEY].signal is None
    move(view, signal.entry, 20.0, 0.5)
    traded(scalper.on_book(KEY, view))


def test_the_same_events_make_the_same_intents() -> None:
    """Replay proves a session only if nothing else decides."""

    def run() -> list[Intent]:
        view, scalper, out = desk(), engine(), list[Intent]()
        for step in range(400):
            view.now += SECOND // 4
            phase = step % 60
            view.books[KEY].bid = 995_000 + 60 * (phase if phase < 30 else 60 - phase)
            view.books[KEY].ask = view.books[KEY].bid + 1
            view.press(((step * 37) % 200 - 60) / 200)
            scalper.on_trade(Trade(KEY, view.books[KEY].bid, 1000, Side.BUY, step + 1, view.now), view)
            for answer in (lambda: scalper.on_book(KEY, view), lambda: scalper.on_timer("beat", view)):
                new = list(answer())
                out += new
                for order in view.take(new):
                    scalper.on_fill(view.fill(order), view)
                    scalper.on_ended(view.end(order), view)
        return out

    first = run()
    assert first == run()
    assert sum(isinstance(i, Signal) for i in first) > 1
    assert sum(isinstance(i, Place) for i in first) > 2


def test_it_never_writes_to_the_view() -> None:
    view, scalper = desk(), engine()
    before = (list(view.history[KEY]), dict(view.scores), dict(view.held), dict(view.orders))
    list(scalper.on_book(KEY, view))
    list(scalper.on_timer("beat", view))
    assert (view.history[KEY], view.scores, view.held, view.orders) == before


def test_the_names_users_know_are_here() -> None:
    assert ScalpingSignal is Signal
    assert LightweightIndicators().why == "WARM_UP"


@pytest.mark.parametrize(
    "event",
    [
        Fill(1, "f1", "o1", KEY, Side.BUY, 990_000, 10_000, Decimal(0), True),
        Ended(1, "o1", "cancelled"),
        bias(70.0),
    ],
)
def test_no_look_stands_that_was_taken_before_a_fill_an_end_or_a_bias(event: Event) -> None:
    """Of no symbol: how many trades there are is part of every answer."""
    scalper, view, pulse = engine(KEY, ETH.key), desk(0.5, 60, BTC, ETH), HandPulse()
    for slot in scalper.slots.values():
        slot.standing.begin(pulse, 0, until=view.now + SECOND)  # type: ignore[arg-type]
        assert slot.standing.resumed(view.now) is pulse
    told = {Fill: scalper.on_fill, Ended: scalper.on_ended, TrendBias: scalper.on_bias}[type(event)]
    assert not list(told(event, view))  # type: ignore[operator]
    assert [slot.standing.resumed(view.now) for slot in scalper.slots.values()] == [None, None]
