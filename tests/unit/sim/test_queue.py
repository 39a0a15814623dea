"""The exact place in an L3 queue, against a matching engine in which our order really stands."""

from __future__ import annotations

import random

import pytest

from desk.instrument import Instrument
from desk.intents import Place
from desk.messages import Side, Trade
from desk.sim.fills import FillModel, Resting
from desk.sim.matching import MatchingBook, Printed
from desk.sim.queue import Fifo, Levels, Orders

X = "X/Y@v"


class Seen:
    """The world without us, as a feed shows it: the book as of the last message, not as of now."""

    def __init__(self, engine: MatchingBook, shows_orders: bool) -> None:
        self.engine, self.shows_orders = engine, shows_orders
        self.show(0)

    def show(self, now: int) -> None:
        self.now = now
        self.sides = {side: (self.engine.levels(side, 99), self.engine.orders(side, 99)) for side in Side}

    def levels(self, inst: str, side: Side, depth: int) -> Levels:
        return self.sides[side][0][:depth]

    def queue(self, inst: str, side: Side, px: int) -> Orders | None:
        if not self.shows_orders:
            return None
        return [(order_id, qty) for at, order_id, qty, _ in self.sides[side][1] if at == px]

    def stamp(self, inst: str) -> int:
        return self.now

    def ready(self, inst: str) -> bool:
        return True

    def instrument(self, inst: str) -> Instrument | None:
        return Instrument("X/Y", "v", 0, 0)


class Counted:
    """A sink that counts the lots we got."""

    def __init__(self) -> None:
        self.lots = 0

    def accepted(self, order_id: str) -> None: ...

    def filled(self, order: Resting, px: int, lots: int, maker: bool) -> None:
        self.lots += lots

    def ended(self, order_id: str, why: str) -> None: ...


def act(world: MatchingBook, action: tuple[str, str, int, int], now: int) -> list[Printed]:
    kind, order_id, px, qty = action
    if kind == "add":
        happened = world.limit(Side.BUY, px, qty, now, order_id=order_id)
    elif kind == "cancel":
        happened = world.cancel(order_id, now)
    elif kind == "shrink":
        happened = world.amend(order_id, qty, now)
    else:
        happened = world.market(Side.SELL, qty, now)
    return [what for what in happened if isinstance(what, Printed)]


class Worlds:
    """Twice the same market: in `real` our order stands in the queue, `without` is what the paper venue is shown."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.real, self.without = MatchingBook("X/Y"), MatchingBook("X/Y")
        for i in range(60):
            for world in (self.real, self.without):
                act(world, ("add", f"first{i}", 100 - i % 12, 1 + i % 5), 1)
        self.px, self.qty = self.dice.choice((100, 99, 98)), self.dice.randint(1, 40)
        self.real.limit(Side.BUY, self.px, self.qty, 2, order_id="ours")
        self.sinks: list[Counted] = []
        self.models: list[tuple[FillModel, Seen]] = []

    def join(self, name: str, shows_orders: bool) -> Counted:
        """Our order under a model; the lots it gets."""
        seen, sink = Seen(self.without, shows_orders), Counted()
        seen.show(1)
        model = FillModel(name, seen, sink, whole=False)
        model.arrive("ours", Place(X, Side.BUY, self.qty, self.px, "gtc", True), self.qty)
        self.models.append((model, seen))
        return sink

    def step(self, now: int, print_first: bool) -> int:
        """One action in both worlds; the lots that our real order got."""
        action = next_action(self.dice, self.real, self.without, f"n{now}")
        got = sum(p.qty for p in act(self.real, action, now) if p.order_id == "ours")
        prints = [Trade(X, p.px, p.qty, p.side, p.trade_id, now) for p in act(self.without, action, now)]
        for model, seen in self.models:
            if print_first:
                for trade in prints:
                    model.on_trade(trade)
            seen.show(now)
            model.on_book(X)
            if not print_first:
                for trade in prints:
                    model.on_trade(trade)
        return got


@pytest.mark.parametrize("print_first", [True, False])
def test_an_order_in_an_l3_queue_fills_as_in_the_engine_itself(print_first: bool) -> None:
    """Joins, cancels and amends before and behind us, and market orders through us; the print before or after its book.

    The paper venue must find the fills of the world that holds our order, action by action.
    """
    compared = filled = 0
    for seed in range(60):
        worlds = Worlds(seed)
        ours, got = worlds.join("risk_averse", shows_orders=True), 0
        for now in range(10, 350):
            got += worlds.step(now, print_first)
            assert ours.lots == got, f"seed {seed} at {now}"
            compared += 1
            if got == worlds.qty:
                filled += 1
                break
    assert compared > 1_000
    assert filled > 20


@pytest.mark.parametrize("print_first", [True, False])
def test_the_truth_lies_between_the_ends_of_the_band(print_first: bool) -> None:
    """Seeing sums only, the pessimist never has more than the real order after any action, the optimist never less."""
    apart = 0
    for seed in range(60):
        worlds = Worlds(seed)
        low, high = worlds.join("risk_averse", shows_orders=False), worlds.join("optimistic", shows_orders=False)
        got = 0
        for now in range(10, 80):
            got += worlds.step(now, print_first)
            assert low.lots <= got <= high.lots, f"seed {seed} at {now}"
            apart += low.lots < got < high.lots
    assert apart > 10


def next_action(dice: random.Random, real: MatchingBook, without: MatchingBook, name: str) -> tuple[str, str, int, int]:
    """Something that can be done in both worlds."""
    both = [order_id for order_id in without.index if order_id in real.index]
    kind = dice.choice(("add", "add", "cancel", "shrink", "sell"))
    if kind in ("cancel", "shrink") and both:
        order_id = dice.choice(both)
        least = min(without.index[order_id].qty, real.index[order_id].qty)
        if kind == "shrink" and least > 1:
            return kind, order_id, 0, dice.randint(1, least - 1)
        return "cancel", order_id, 0, 0
    if kind == "sell":
        return kind, "", 0, dice.randint(1, 6)
    return "add", name, 100 - dice.randint(0, 11), dice.randint(1, 6)


def test_who_came_after_us_is_never_ahead_of_us_however_the_book_is_rebuilt() -> None:
    """A snapshot after a lost line shows the same queue: who was ahead and is still there is ahead, nobody else."""
    place = Fifo([("a", 5), ("b", 7)], ts=1)
    place.read([("b", 7), ("c", 9)], ts=2)
    assert place.ahead == 7
    place.read([("c", 9), ("b", 7)], ts=3)  # b left and came again: behind c, behind us
    assert place.ahead == 0
