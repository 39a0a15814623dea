"""The order flow: a book that looks like one, and an imbalance that is worth a little, or nothing when nobody knows."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest

from desk.messages import Side
from desk.sim.flow import Flow
from desk.sim.fundamental import MINUTE, Fundamentals
from desk.sim.listing import ALL, LISTINGS
from desk.sim.matching import Happening, MatchingBook, Printed

BUY, SELL = Side.BUY, Side.SELL
BEGIN = 1_763_000_100 * 10**9 // MINUTE * MINUTE
SECOND = 10**9


def flow_of(symbol: str, seed: int = 7, edge: float = 1.0) -> Flow:
    world = Fundamentals(seed, BEGIN // MINUTE)
    flow = Flow(LISTINGS[symbol], MatchingBook(symbol, seed), world, BEGIN, edge)
    flow.settle(BEGIN)
    return flow


def run(flow: Flow, seconds: float) -> list[list[Happening]]:
    until, out = flow.next_at + int(seconds * SECOND), []
    while flow.next_at <= until:
        out.append(flow.act())
    return out


def imbalance(book: MatchingBook, spread_bps: float) -> tuple[float, float]:
    """Mid in ticks and ρ of the ten best levels, weighted with exp(−distance / λ), as in hft_signals, written again."""
    bids, asks = book.levels(BUY, 10), book.levels(SELL, 10)
    mid = (bids[0][0] + asks[0][0]) / 2
    reach = mid * max(2.0, 2.0 * spread_bps) / 1e4
    bid = sum(qty * exp(-(bids[0][0] - px) / reach) for px, qty, _ in bids)
    ask = sum(qty * exp(-(px - asks[0][0]) / reach) for px, qty, _ in asks)
    return mid, (bid - ask) / (bid + ask)


def information(symbol: str, edge: float, horizon: int, seconds: int = 3600) -> tuple[float, float, float]:
    """Spearman IC of ρ against the mid's return over the next `horizon` s, non-overlapping, with its 95 % interval.

    Ties (a mid that has not moved) are rare and broken by time; the interval is Fisher's,
    tanh(atanh IC ± 1.96 / √(n − 3)).
    """
    flow = flow_of(symbol, edge=edge)
    run(flow, 60)
    spread = 1.6 * LISTINGS[symbol].half_bps  # the median that this flow makes
    mids, rhos = [], []
    for _ in range(seconds // horizon):
        mid, rho = imbalance(flow.book, spread)
        mids.append(mid)
        rhos.append(rho)
        run(flow, BEGIN / SECOND + 60 + horizon * len(mids) - flow.next_at / SECOND)
    moved = np.diff(np.log(mids))
    x, y = (np.argsort(np.argsort(v)).astype(float) for v in (rhos[:-1], moved))
    ic = float(np.corrcoef(x, y)[0, 1])
    width = 1.96 / np.sqrt(len(moved) - 3)
    return float(np.tanh(np.arctanh(ic) - width)), ic, float(np.tanh(np.arctanh(ic) + width))


@pytest.mark.parametrize("symbol", ALL)
def test_the_book_looks_like_one_at_every_look(symbol: str) -> None:
    """A book of depth 100 must be full, a spread plausible, levels hold some orders: all that follows measures them."""
    flow = flow_of(symbol)
    book, spreads, counts = flow.book, [], []
    limits = {"BTC": (0.3, 1.0), "ETH": (0.5, 1.5), "XRP": (1.0, 3.0)}[flow.inst.base]
    if flow.inst.quote == "BTC":
        limits = (3.0, 14.0)  # one or two ticks
    batches = 0
    for _ in range(150):
        batches += len(run(flow, 2.0))
        book.check()
        assert min(book.depth(BUY), book.depth(SELL)) >= 120
        bid, ask = book.best(BUY), book.best(SELL)
        assert bid is not None
        assert ask is not None
        spreads.append(2e4 * (ask - bid) / (ask + bid))
        counts += [n for side in (BUY, SELL) for _, _, n in book.levels(side, 10)]
        assert abs((bid + ask) / 2 - flow.value) < max(2.0, 6e-4 * flow.value)
    assert limits[0] <= np.median(spreads) <= limits[1]
    assert 1.2 < np.mean(counts) < 6
    assert 8 < batches / 300 < 40
    assert all(o.qty >= flow.inst.qty_min for o in book.index.values())


def test_events_come_in_bursts_and_trades_at_a_believable_rate() -> None:
    """An even stream of events would never test a queue, a budget or a rate limit."""
    flow = flow_of("BTC/USDT")
    per_second: dict[int, int] = {}
    trades = 0
    begin = flow.next_at
    for _ in range(20_000):
        at = flow.next_at
        per_second[at // SECOND] = per_second.get(at // SECOND, 0) + 1
        trades += any(isinstance(h, Printed) for h in flow.act())
    seconds = (flow.next_at - begin) / SECOND
    counts = np.array(list(per_second.values())[1:-1])
    assert 15 < counts.mean() < 40
    assert counts.max() > 2 * counts.mean()
    assert counts.var() > 2 * counts.mean()  # a Poisson stream has 1
    assert 0.5 < trades / seconds < 4


def test_what_is_told_rebuilds_the_book() -> None:
    """The feed knows the book only through what actions report."""
    flow = flow_of("XRP/USD")
    seen = {k: (o.side, o.px, o.qty) for k, o in flow.book.index.items()}
    kinds: dict[str, int] = {}
    for happened in run(flow, 240):
        for h in happened:
            kinds[type(h).__name__] = kinds.get(type(h).__name__, 0) + 1
            if type(h).__name__ == "Deleted":
                del seen[h.order_id]
            elif not isinstance(h, Printed):
                seen[h.order_id] = h.side, h.px, h.qty
    assert seen == {k: (o.side, o.px, o.qty) for k, o in flow.book.index.items()}
    assert set(kinds) == {"Added", "Modified", "Deleted", "Printed"}
    assert min(kinds.values()) > 50


def test_the_flow_keeps_an_exact_list_of_its_own_orders() -> None:
    """An order forgotten rests for ever; one remembered too long makes the ladder thin."""
    flow = flow_of("ETH/USDT")
    run(flow, 300)
    assert set(flow._codes) == set(flow.book.index)
    assert flow._counts == [list(flow._codes.values()).count(code) for code in range(4)]
    assert sum(map(len, flow._pools)) < 2 * len(flow._codes)


@pytest.mark.parametrize("horizon", [5, 10])
def test_imbalance_says_a_little_about_the_next_seconds(horizon: int) -> None:
    """The default market must hold an edge that can be measured in an hour, and none that would be a bug elsewhere."""
    low, ic, high = information("BTC/USDT", 1.0, horizon)
    assert low > 0, f"IC {ic:.3f} [{low:.3f}, {high:.3f}]"
    assert 0.05 < ic < 0.25


@pytest.mark.parametrize("horizon", [5, 10])
def test_without_foresight_imbalance_says_nothing(horizon: int) -> None:
    """A market of noise must look like one, or every measurement of ours flatters itself."""
    low, ic, high = information("BTC/USDT", 0.0, horizon)
    assert low < 0 < high, f"IC {ic:.3f} [{low:.3f}, {high:.3f}]"
    assert abs(ic) < 0.07


def test_symbols_have_dice_of_their_own() -> None:
    """With shared dice two symbols would act in step, and every correlation between their books would be false."""
    seen: set[float] = set()
    for symbol in ALL:
        dice = flow_of(symbol)._dice
        numbers = {dice.uniform() for _ in range(5_000)}
        assert not numbers & seen
        seen |= numbers


def test_a_negative_edge_is_refused() -> None:
    """It would turn every signal of the product around."""
    with pytest.raises(ValueError, match="edge -1: must be 0 or more"):
        flow_of("BTC/USD", edge=-1)
