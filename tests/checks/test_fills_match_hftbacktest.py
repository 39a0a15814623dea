"""The paper venue fills as hftbacktest does: same market, orders, latency and queue model.

hftbacktest is not in the locked environment: its metadata asks for numpy below 2.3. It runs with ours nevertheless
(requirements-fills.lock says how to install it); without it these tests skip, saying so.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from fills_reference import BTC, ENTRY, RESPONSE, Action, Books, Event, Traded, event_array, market, resting, taking
from shared import shared

from desk.events import Fill
from desk.intents import CancelOrder, Place, Submit
from desk.messages import Trade
from desk.portfolio.fees import FeeSchedule
from desk.sim.latency import Latency
from desk.sim.paper import PaperVenue

hft = pytest.importorskip("hftbacktest", reason="hftbacktest is not installed; see requirements-fills.lock")

STREAM = "market/l2/hftbacktest_usdm_btcusdt_20240808.jsonl.gz"
SECONDS = 60.0
SECOND = 1_000_000_000
BUY, GTX, IOC, LIMIT, RESPONDED, END = 1, 1, 3, 0, 3, 1
CANCELED = 4
REST, TAKE, CANCEL = 0, 1, 2


@functools.cache
def events() -> list[Event]:
    return market(shared(STREAM), SECONDS)


def ours(actions: list[Action], model: str, alone: bool = False) -> list[Traded]:
    """Every fill of the paper venue; `alone`: of a venue for each order, so that none finds what another one took."""
    books, todo = Books(), list(actions)
    left = {a.order_id: a.qty for a in actions if a.kind != "cancel"}
    venues = {number: _venue(books, model) for number in (left if alone else [0])}
    found: list[Traded] = []

    def hear(ts: int) -> None:
        for venue in venues.values():
            for fill in venue.due(ts):
                if isinstance(fill, Fill):
                    number = int(fill.order_id)
                    left[number] -= fill.qty
                    found.append(Traded(number, fill.ts - RESPONSE, fill.px, fill.qty, left[number]))

    for event in events():
        ts = event.ts_exch if isinstance(event, Trade) else event[0].ts
        while todo and todo[0].ts <= ts:
            action = todo.pop(0)
            hear(action.ts)
            venues[action.order_id if alone else 0].perform(_effect(action), action.ts)
        hear(ts)
        if not isinstance(event, Trade):
            books.apply(event)
        for venue in venues.values():
            if isinstance(event, Trade):
                venue.on_trade(event, ts)
            else:
                venue.on_book(BTC.key, ts)
    hear(ts + SECOND)
    return found


def _venue(books: Books, model: str) -> PaperVenue:
    return PaperVenue(FeeSchedule(), Latency(ENTRY, RESPONSE), books, queue_model=model)


def _effect(action: Action) -> Submit | CancelOrder:
    order_id = str(action.order_id)
    if action.kind == "cancel":
        return CancelOrder(order_id, cause=0)
    rests = action.kind == "rest"
    wish = Place(BTC.key, action.side, action.qty, action.px, "gtc" if rests else "ioc", rests)
    return Submit(order_id, wish, cause=0)


def theirs(actions: list[Action], model: str) -> list[Traded]:
    """Every response of hftbacktest's partial-fill exchange that says a fill."""
    flags = {
        "TRADE": hft.TRADE_EVENT,
        "DEPTH": hft.DEPTH_EVENT,
        "SNAPSHOT": hft.DEPTH_SNAPSHOT_EVENT,
        "BUY": hft.BUY_EVENT,
        "SELL": hft.SELL_EVENT,
        "BOTH": hft.EXCH_EVENT | hft.LOCAL_EVENT,
    }
    from hftbacktest.types import event_dtype

    data = event_array(events(), event_dtype, flags)
    asset = hft.BacktestAsset().data(data).linear_asset(1.0).constant_order_latency(ENTRY, RESPONSE)
    kind, _, n = model.partition(":")
    name = {"risk_averse": "risk_adverse", "log": "log_prob", "log2": "log_prob"}.get(kind, "power_prob")
    suffix = kind[-1] if kind[-1].isdigit() else ""
    set_model = getattr(asset, f"{name}_queue_model{suffix}")
    asset = set_model(float(n)) if n else set_model()
    asset = asset.partial_fill_exchange().tick_size(0.1).lot_size(0.001).last_trades_capacity(0)
    hbt = hft.HashMapMarketDepthBacktest([asset.trading_value_fee_model(0.0, 0.0)])
    kinds = {"rest": REST, "ioc": TAKE, "cancel": CANCEL}
    table = np.array([(a.ts, kinds[a.kind], a.order_id, a.side, a.px, a.qty) for a in actions], np.int64)
    out = np.zeros((10 * len(actions), 5), np.int64)
    count = _driver()(hbt, table, out)
    assert count >= 0, f"hftbacktest stopped with error {-count}"
    hbt.close()
    return [Traded(*(int(x) for x in row)) for row in out[:count]]


@functools.cache
def _driver() -> Any:
    """Play a table of actions; write down every fill an answer tells of; the number of fills, or −(error code)."""
    from numba import njit

    collect, act = _collector(), _actor()

    @njit
    def drive(hbt: Any, table: Any, out: Any) -> int:
        seen = np.zeros(len(table) + 2, np.int64)
        count = 0
        hbt.wait_next_feed(True, 1_000_000)  # before the first event it has no time
        for i in range(len(table) + 1):
            until = table[i, 0] if i < len(table) else 9_000_000_000_000_000_000
            while hbt.current_timestamp < until:
                code = hbt.wait_next_feed(True, until - hbt.current_timestamp)
                if code == RESPONDED:
                    count = collect(hbt, out, count, seen)
                elif code == END:
                    return count
                elif code > RESPONDED or code < 0:
                    return -code
            if i < len(table):
                act(hbt, table[i])
        return count

    return drive


def _collector() -> Any:
    from numba import njit

    @njit
    def collect(hbt: Any, out: Any, count: int, seen: Any) -> int:
        values = hbt.orders(0).values()
        while values.has_next():
            order = values.get()
            repeated = order.status == CANCELED  # a cancel's answer says the quantity filled last once more
            if order.exec_qty > 0 and not repeated and seen[order.order_id] != order.exch_timestamp:
                seen[order.order_id] = order.exch_timestamp
                out[count, 0] = order.order_id
                out[count, 1] = order.exch_timestamp
                out[count, 2] = order.exec_price_tick
                out[count, 3] = round(order.exec_qty * 1000)
                out[count, 4] = round(order.leaves_qty * 1000)
                count += 1
        return count

    return collect


def _actor() -> Any:
    from numba import njit

    @njit
    def act(hbt: Any, row: Any) -> None:
        order_id, px, qty = row[2], row[4] / 10, row[5] / 1000
        if row[1] == CANCEL:
            known = hbt.orders(0).get(order_id)
            if known is not None and known.cancellable:
                hbt.cancel(0, order_id, False)
            return
        tif = GTX if row[1] == REST else IOC
        if row[3] == BUY:
            hbt.submit_buy_order(0, order_id, px, qty, tif, LIMIT, False)
        else:
            hbt.submit_sell_order(0, order_id, px, qty, tif, LIMIT, False)

    return act


MODELS = ["risk_averse", "log", "log2", "power:1", "power:3", "power2:2", "power3:3"]


@pytest.mark.parametrize("model", MODELS)
def test_resting_orders_fill_at_the_same_time_and_to_the_same_lot(model: str) -> None:
    """A queue place that is off by one lot shows here: partial fills are compared one by one."""
    for seed in range(3):
        actions = resting(events(), seed)
        mine, reference = sorted(ours(actions, model)), sorted(theirs(actions, model))
        assert len(mine) > 100
        assert mine == reference


def test_taking_orders_walk_the_book_to_the_same_last_lot() -> None:
    """hftbacktest says the last level of a walk and what is left; both depend on every level before."""
    for seed in range(3):
        actions = taking(events(), seed)
        mine = {fill.order_id: fill for fill in ours(actions, "risk_averse", alone=True)}
        assert len(mine) > 50
        assert mine == {fill.order_id: fill for fill in theirs(actions, "risk_averse")}
