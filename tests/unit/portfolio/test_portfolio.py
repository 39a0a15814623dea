"""Cash, positions, PnL and fees that add up to the last digit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.errors import DeskError
from desk.events import Fill
from desk.instrument import Instrument
from desk.intents import Place
from desk.messages import Side
from desk.portfolio.ledger import assets
from desk.portfolio.portfolio import Portfolio
from desk.portfolio.position import ClosedTrade
from desk.portfolio.seen import SeenFills

BTC = Instrument("BTC/USDT", "kraken", 1, 8)
XRP = Instrument("XRP/USDT", "kraken", 5, 8)
EUR = Instrument("BTC/EUR", "kraken", 1, 8)
KNOWN = {i.key: i for i in (BTC, XRP, EUR)}
LOT = 10**8  # one whole coin


class Tape:
    """Numbers fills and applies them."""

    def __init__(self, cash: str = "10000") -> None:
        self.portfolio = Portfolio(Decimal(cash), KNOWN)
        self.n = 0

    def fill(
        self, side: Side, qty: int, px: int, fee: str = "0", inst: str = BTC.key, reason: str = ""
    ) -> ClosedTrade | None:
        self.n += 1
        fill = Fill(self.n * 1000, f"p{self.n}", f"o{self.n}", inst, side, px, qty, Decimal(fee), False)
        closed = self.portfolio.apply(fill, reason)
        self.portfolio.check()
        return closed


def test_a_round_trip_by_hand() -> None:
    """Buy 2 at 100, sell 2 at 103, fees 0.5 and 0.6: gross 6, net 4.9."""
    tape = Tape()
    assert tape.fill(Side.BUY, 2 * LOT, 1000, "0.5") is None
    assert tape.portfolio.cash["USDT"] == Decimal("9799.5")
    tape.portfolio.mark(BTC.key, 1010)
    assert tape.portfolio.equity("USDT") == Decimal("10001.5")
    assert tape.portfolio.unrealised(BTC.key) == 2
    closed = tape.fill(Side.SELL, 2 * LOT, 1030, "0.6", reason="target")
    assert closed == ClosedTrade(
        trade_id="t1",
        inst=BTC.key,
        side=Side.BUY,
        qty=2 * LOT,
        entry=Decimal(100),
        exit=Decimal(103),
        entry_value=Decimal(200),
        exit_value=Decimal(206),
        gross=Decimal(6),
        fees=Decimal("1.1"),
        net=Decimal("4.9"),
        opened=1000,
        closed=2000,
        reason="target",
    )
    assert closed.quote == "USDT"
    assert closed.net_bps == pytest.approx(245.0)
    assert tape.portfolio.equity() == tape.portfolio.cash["USDT"] == Decimal("10004.9")
    assert tape.portfolio.realised == {"USDT": Decimal(6)}
    assert tape.portfolio.fees == {"USDT": Decimal("1.1")}
    assert tape.portfolio.pnl("USDT") == Decimal("4.9")


def test_a_simulated_short_gains_when_the_price_falls() -> None:
    """Signs: sell 1 at 100, buy at 90: gross +10."""
    tape = Tape()
    tape.fill(Side.SELL, LOT, 1000)
    tape.portfolio.mark(BTC.key, 950)
    assert tape.portfolio.unrealised(BTC.key) == 5
    assert tape.portfolio.gross("USDT") == 95
    closed = tape.fill(Side.BUY, LOT, 900)
    assert closed is not None
    assert (closed.side, closed.gross) == (Side.SELL, 10)


def test_average_cost_when_part_of_a_position_closes() -> None:
    """1 at 100 and 3 at 120 cost 115 on average; selling 1 at 130 realises 15."""
    tape = Tape()
    tape.fill(Side.BUY, LOT, 1000)
    tape.fill(Side.BUY, 3 * LOT, 1200)
    assert tape.portfolio.position(BTC.key).avg == 1150
    assert tape.fill(Side.SELL, LOT, 1300) is None
    assert tape.portfolio.realised["USDT"] == 15
    assert tape.portfolio.position(BTC.key).avg == 1150


def test_a_fill_through_zero_closes_one_trade_and_opens_the_other_side() -> None:
    """Its fee is shared by quantity, and the shares add up to the fee."""
    tape = Tape()
    tape.fill(Side.BUY, LOT, 1000, "0.1")
    closed = tape.fill(Side.SELL, 3 * LOT, 1100, "0.1")
    assert closed is not None
    assert closed.fees == Decimal("0.1") + Decimal("0.03333333")
    assert closed.qty == LOT
    position = tape.portfolio.position(BTC.key)
    assert (position.qty, position.opened, position.trade_fees) == (-2 * LOT, 2000, Decimal("0.06666667"))
    assert tape.portfolio.fees["USDT"] == Decimal("0.2")
    closed = tape.fill(Side.BUY, 2 * LOT, 1100)
    assert closed is not None
    assert closed.trade_id == "t2"


def test_a_repeated_fill_changes_nothing() -> None:
    """Execution reports come twice after a reconnect."""
    portfolio = Portfolio(Decimal(1000), KNOWN)
    fill = Fill(1, "p1", "o1", BTC.key, Side.BUY, 1000, LOT, Decimal("0.1"), True)
    portfolio.apply(fill)
    before = (portfolio.cash, portfolio.fees, portfolio.position(BTC.key))
    assert portfolio.apply(fill) is None
    assert (portfolio.cash, portfolio.fees, portfolio.position(BTC.key)) == before
    assert (portfolio.fills, portfolio.duplicates) == (1, 1)


def test_remembered_fill_ids_are_bounded_and_belong_to_a_venue() -> None:
    """Two venues may number alike; a year of fills must fit in memory."""
    seen = SeenFills(remembered=2)
    fills = [Fill(1, f"p{n}", "o", BTC.key, Side.BUY, 1, 1, Decimal(0), True) for n in range(3)]
    assert [seen.first(f) for f in fills] == [True] * 3
    assert seen.first(fills[2]) is False
    assert seen.first(fills[0]) is True  # forgotten
    other = Fill(1, "p2", "o", "BTC/USDT@other", Side.BUY, 1, 1, Decimal(0), True)
    assert seen.first(other) is True


def test_each_quote_currency_is_an_account_of_its_own() -> None:
    """Euros and tethers have no sum."""
    tape = Tape()
    tape.portfolio.open("USDT")
    tape.fill(Side.BUY, LOT, 1000, inst=EUR.key)
    assert tape.portfolio.cash == {"USDT": Decimal(10_000), "EUR": Decimal(9_900)}
    tape.portfolio.mark(EUR.key, 1100)
    assert tape.portfolio.equity("EUR") == 10_010
    assert tape.portfolio.equity("USDT") == 10_000
    with pytest.raises(ValueError, match="name the account: equity exists in USDT, EUR"):
        tape.portfolio.equity()


def test_before_the_first_fill_equity_is_the_starting_cash() -> None:
    """The gate asks before anything traded."""
    portfolio = Portfolio(Decimal(500), KNOWN)
    assert portfolio.equity() == portfolio.equity("USDT") == 500
    assert portfolio.position(BTC.key).qty == 0
    assert portfolio.unrealised(BTC.key) == portfolio.value("nothing@anywhere") == 0


def test_without_a_mark_the_last_fill_price_stands_in() -> None:
    """Equity must not jump because the first mark is late."""
    tape = Tape()
    tape.fill(Side.BUY, LOT, 1000)
    tape.fill(Side.BUY, LOT, 1100)
    assert tape.portfolio.value(BTC.key) == 220


def test_a_new_position_does_not_start_on_the_mark_of_the_last_one() -> None:
    """Nothing marks what is not held: an hours-old price would look like a loss and trip the breaker."""
    tape = Tape()
    tape.fill(Side.BUY, LOT, 1000)
    tape.portfolio.mark(BTC.key, 500)
    tape.fill(Side.SELL, LOT, 1000)
    tape.fill(Side.BUY, LOT, 2000)
    assert tape.portfolio.unrealised(BTC.key) == 0


def test_half_ticks_are_marked_exactly() -> None:
    """A mid lies between ticks."""
    tape = Tape()
    tape.fill(Side.BUY, 3, 1000)
    tape.portfolio.mark(BTC.key, 1000.5)
    assert tape.portfolio.unrealised(BTC.key) == Decimal("0.0000000015")


@pytest.mark.parametrize("px", [nan, inf, 0, -1.0])
def test_a_mark_that_is_no_price_is_refused(px: float) -> None:
    """NaN in equity would open every limit written the wrong way round."""
    with pytest.raises(ValueError, match="is not a price"):
        Portfolio(Decimal(1), KNOWN).mark(BTC.key, px)


def test_a_fill_that_cannot_be_accounted_says_why_and_changes_nothing() -> None:
    """Money is never guessed."""
    portfolio = Portfolio(Decimal(1000), KNOWN)
    with pytest.raises(DeskError, match="SOL/USDT@kraken: fill p1 is of an instrument nobody has described"):
        portfolio.apply(Fill(1, "p1", "o1", "SOL/USDT@kraken", Side.BUY, 1, 1, Decimal(0), True))
    with pytest.raises(DeskError, match="is not a trade"):
        portfolio.apply(Fill(1, "p1", "o1", BTC.key, Side.BUY, 1, 0, Decimal(0), True))
    assert portfolio.cash == {}


def test_an_instrument_that_changes_its_decimals_after_trading_is_refused() -> None:
    """Its ticks mean another price from then on: adding them up would be wrong by powers of ten."""
    known = dict(KNOWN)
    portfolio = Portfolio(Decimal(1000), known)
    portfolio.apply(Fill(1, "p1", "o1", BTC.key, Side.BUY, 1000, LOT, Decimal(0), True))
    known[BTC.key] = Instrument("BTC/USDT", "kraken", 2, 8)
    with pytest.raises(DeskError, match="decimals changed from 1, 8 to 2, 8"):
        portfolio.apply(Fill(1, "p2", "o1", BTC.key, Side.BUY, 10_000, LOT, Decimal(0), True))


def test_extreme_magnitudes_stay_exact() -> None:
    """A coin at 1e-12 held by the trillion, next to 28-digit default contexts that would round."""
    tiny = Instrument("PEPE/USDT", "kraken", 12, 8)
    portfolio = Portfolio(Decimal("1e15"), {tiny.key: tiny})
    portfolio.apply(Fill(1, "p1", "o1", tiny.key, Side.BUY, 7_000_000_000_003, 10**20 + 1, Decimal("1e-10"), True))
    portfolio.mark(tiny.key, 7_000_000_000_004)
    portfolio.check()
    assert portfolio.unrealised(tiny.key) == Decimal(10**20 + 1).scaleb(-20)
    expected = Fraction(10**15) - Fraction(7_000_000_000_003 * (10**20 + 1), 10**20) - Fraction(1, 10**10)
    assert Fraction(portfolio.cash["USDT"]) == expected


FILL = st.tuples(
    st.sampled_from([Side.BUY, Side.SELL]),
    st.integers(1, 10**9),
    st.integers(1, 10**7),
    st.decimals(Decimal("-0.5"), Decimal(20), places=8),
    st.sampled_from([BTC.key, XRP.key, EUR.key]),
)


@given(st.lists(FILL, max_size=40), st.integers(1, 10**7), st.integers(0, 40))
def test_identities_hold_after_any_fills_and_any_repetition(fills: list[tuple], mark: int, again: int) -> None:
    """Against fractions computed from the fills alone: cash, position, equity, PnL of closed trades; prefix twice."""
    portfolio = Portfolio(Decimal(10_000), KNOWN)
    made = [Fill(n, f"p{n}", "o", inst, side, px, qty, fee, True) for n, (side, qty, px, fee, inst) in enumerate(fills)]
    closed = [portfolio.apply(fill) for fill in made]
    for fill in made[:again]:
        assert portfolio.apply(fill) is None
    for inst in KNOWN:
        portfolio.mark(inst, mark + 0.5)
    portfolio.check()
    for quote in ("USDT", "EUR"):
        cash = value = fees = Fraction(0)
        for inst, instrument in KNOWN.items():
            if instrument.quote != quote:
                continue
            unit = Fraction(1, 10 ** (instrument.px_decimals + instrument.qty_decimals))
            mine = [f for f in made if f.inst == inst]
            cash -= sum((f.side * f.px * f.qty * unit for f in mine), Fraction(0))
            fees += sum((Fraction(f.fee) for f in mine), Fraction(0))
            held = sum(f.side * f.qty for f in mine)
            assert portfolio.position(inst).qty == held
            value += held * (mark + Fraction(1, 2)) * unit
            # trades that are over carry all the fees and gains of an instrument that is flat
            if not held and mine:
                mine_closed = [c for c in closed if c is not None and c.inst == inst]
                flow = sum((Fraction(-f.side * f.px * f.qty) * unit - Fraction(f.fee) for f in mine), Fraction(0))
                assert sum((Fraction(c.net) for c in mine_closed), Fraction(0)) == flow
        if quote in portfolio.cash:
            assert Fraction(portfolio.cash[quote]) == 10_000 + cash - fees
            assert Fraction(portfolio.equity(quote)) == 10_000 + cash - fees + value


ORDERS = st.lists(
    st.tuples(
        st.sampled_from(("send", "fill", "end", "again")),
        st.sampled_from(sorted(KNOWN)),
        st.sampled_from((Side.BUY, Side.SELL)),
        st.integers(1, 5 * LOT),
        st.integers(1, 2_000),
    ),
    max_size=40,
)


def worth(inst, px, qty):
    return Fraction(px * qty, 10 ** (KNOWN[inst].px_decimals + KNOWN[inst].qty_decimals))


@given(ORDERS, st.integers(0, 60))
def test_free_and_reserved_add_up_to_what_we_have_after_every_event(actions, fee_bps) -> None:
    """Against fractions: an order reserves what it may still cost and nothing else; nothing is minted or lost."""
    portfolio = Portfolio(Decimal(10_000), KNOWN, Decimal(fee_bps))
    for quote in ("USDT", "EUR"):
        portfolio.open(quote)
    cash = {"USDT": Fraction(10_000), "EUR": Fraction(10_000)}
    coins = {"BTC": Fraction(0), "XRP": Fraction(0)}
    working, last = {}, None
    for n, (what, inst, side, qty, px) in enumerate(actions):
        if what == "send":
            working[f"o{n}"] = [inst, side, qty, px]
            portfolio.reserve(f"o{n}", Place(inst, side, qty, px))
        elif what == "again" and last is not None:
            portfolio.apply(last)  # the venue repeats itself
        elif working and what == "fill":
            name = sorted(working)[qty % len(working)]
            key, way, left, limit = working[name]
            part = 1 + qty % left
            fee = Decimal(part * limit).scaleb(-9).quantize(Decimal("1e-8"))
            last = Fill(n, f"f{n}", name, key, way, limit, part, fee, False)
            portfolio.apply(last)
            base, quote = assets(key)
            cash[quote] -= way * worth(key, limit, part) + Fraction(fee)
            coins[base] += way * Fraction(part, LOT)
            working[name][2] -= part
        elif working and what == "end":
            name = sorted(working)[qty % len(working)]
            del working[name]
            portfolio.release(name)
        working = {name: order for name, order in working.items() if order[2] or portfolio.release(name)}
        portfolio.check()
        reserved = dict.fromkeys(("USDT", "EUR", "BTC", "XRP"), Fraction(0))
        for key, way, left, limit in working.values():
            base, quote = assets(key)
            if way is Side.BUY:
                reserved[quote] += worth(key, limit, left) * (10_000 + fee_bps) / 10_000
            else:
                reserved[base] += Fraction(left, LOT)
        for asset, had in {**cash, **coins}.items():
            assert Fraction(portfolio.ledger.balance(asset, "reserved")) == reserved[asset]
            assert Fraction(portfolio.ledger.balance(asset, "free")) == had - reserved[asset]
