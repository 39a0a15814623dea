"""The matching engine: price, then time; every happening told; nothing invented."""

from __future__ import annotations

import re

import numpy as np
import pytest

from desk.messages import Side
from desk.sim.matching import Added, Deleted, Happening, MatchingBook, Modified, Printed

BUY, SELL = Side.BUY, Side.SELL


def book() -> MatchingBook:
    return MatchingBook("BTC/USD", seed=3)


def add(b: MatchingBook, side: Side, px: int, qty: int, now: int) -> str:
    return b.limit(side, px, qty, now)[-1].order_id


class NaiveMarket:
    """The rules written down once more, as slowly and plainly as possible: one list, searched for every trade."""

    def __init__(self) -> None:
        self.resting: list[list] = []  # [side, px, qty, arrival, id]
        self.fills: list[tuple[str, int, int]] = []
        self.arrivals = 0

    def take(self, side: Side, qty: int, px: int | None) -> int:
        while qty:
            others = [o for o in self.resting if o[0] is not side and (px is None or side * o[1] <= side * px)]
            if not others:
                break
            best = min(others, key=lambda o: (side * o[1], o[3]))
            traded = min(qty, best[2])
            qty -= traded
            best[2] -= traded
            self.fills.append((best[4], best[1], traded))
            if not best[2]:
                self.resting.remove(best)
        return qty

    def rest(self, side: Side, px: int, qty: int, order_id: str) -> None:
        self.arrivals += 1
        self.resting.append([side, px, qty, self.arrivals, order_id])

    def line(self, side: Side) -> list[tuple[int, str, int]]:
        mine = sorted((o for o in self.resting if o[0] is side), key=lambda o: (-side * o[1], o[3]))
        return [(o[1], o[4], o[2]) for o in mine]


def follow(seen: dict[str, tuple[Side, int, int]], happened: list[Happening]) -> None:
    """Keep a book from happenings alone, as a subscriber would."""
    for h in happened:
        if isinstance(h, Added):
            assert h.order_id not in seen
            seen[h.order_id] = h.side, h.px, h.qty
        elif isinstance(h, Modified):
            assert h.qty < seen[h.order_id][2]
            seen[h.order_id] = h.side, h.px, h.qty
        elif isinstance(h, Deleted):
            assert seen.pop(h.order_id) == (h.side, h.px, h.qty)


@pytest.mark.parametrize("seed", range(6))
def test_random_orders_trade_as_the_plainly_written_rules_say(seed: int) -> None:
    """Fails when priority, quantities, prices or the reported happenings are wrong in any sequence of operations."""
    dice = np.random.default_rng(seed)
    b, naive = book(), NaiveMarket()
    seen: dict[str, tuple[Side, int, int]] = {}
    prints: list[Printed] = []
    for now in range(1, 700):
        side = BUY if dice.random() < 0.5 else SELL
        qty, px = int(dice.integers(1, 30)), 1000 - int(side) * 3 + int(dice.integers(-8, 9))
        what = dice.random()
        ids = sorted(b.index)
        if what < 0.55:
            tif = "gtc" if dice.random() < 0.8 else "ioc"
            crossing = any(o[0] is not side and side * o[1] <= side * px for o in naive.resting)
            post_only = dice.random() < 0.2
            out = b.limit(side, px, qty, now, tif=tif, post_only=post_only)
            if post_only and crossing:
                assert out == []
            else:
                left = naive.take(side, qty, px)
                if left and tif == "gtc":
                    naive.rest(side, px, left, out[-1].order_id)
        elif what < 0.65:
            out = b.market(side, qty, now)
            naive.take(side, qty, None)
        elif what < 0.85 and ids:
            order_id = ids[int(dice.integers(len(ids)))]
            out = b.cancel(order_id, now)
            naive.resting = [o for o in naive.resting if o[4] != order_id]
        elif ids:
            order_id = ids[int(dice.integers(len(ids)))]
            out = b.amend(order_id, qty, now)
            order = next(o for o in naive.resting if o[4] == order_id)
            if qty > order[2]:
                naive.arrivals += 1
                order[3] = naive.arrivals
            order[2] = qty
        else:
            continue
        b.check()
        follow(seen, out)
        prints += [h for h in out if isinstance(h, Printed)]
        assert all(h.ts == now for h in out)
        for s in (BUY, SELL):
            assert [o[:3] for o in b.orders(s, 10**6)] == naive.line(s)
    assert [(p.order_id, p.px, p.qty) for p in prints] == naive.fills
    assert [p.trade_id for p in prints] == list(range(1, len(prints) + 1))
    assert {k: (v.side, v.px, v.qty) for k, v in b.index.items()} == seen
    assert len(prints) > 100


def test_the_best_price_trades_first_and_at_one_price_the_first_to_come() -> None:
    """Queue-aware fills rest on this order."""
    b = book()
    late, first, second = add(b, SELL, 102, 5, 1), add(b, SELL, 101, 2, 2), add(b, SELL, 101, 3, 3)
    prints = [h for h in b.limit(BUY, 102, 6, now=4) if isinstance(h, Printed)]
    assert [(p.order_id, p.px, p.qty, p.side) for p in prints] == [
        (first, 101, 2, BUY),
        (second, 101, 3, BUY),
        (late, 102, 1, BUY),
    ]


def test_a_fill_is_told_as_a_print_and_then_what_became_of_the_resting_order() -> None:
    """Subscribers of level3 and trades are served from these happenings, in this order."""
    b = book()
    one, two = add(b, BUY, 100, 2, 1), add(b, BUY, 100, 5, 2)
    assert b.market(SELL, 3, now=9) == [
        Printed("BTC/USD", SELL, one, 100, 2, 9, 1, "market"),
        Deleted("BTC/USD", BUY, one, 100, 2, 9),
        Printed("BTC/USD", SELL, two, 100, 1, 9, 2, "market"),
        Modified("BTC/USD", BUY, two, 100, 4, 9),
    ]


def test_a_smaller_quantity_keeps_the_place_and_a_larger_one_goes_to_the_tail() -> None:
    """Kraken amends like this; a wrong place gives wrong fills."""
    b = book()
    one, two = add(b, BUY, 100, 5, 1), add(b, BUY, 100, 5, 2)
    assert b.amend(one, 3, now=3) == [Modified("BTC/USD", BUY, one, 100, 3, 3)]
    assert [(o[1], o[3]) for o in b.orders(BUY, 1)] == [(one, 1), (two, 2)]
    assert b.amend(one, 4, now=4) == [
        Deleted("BTC/USD", BUY, one, 100, 3, 4),
        Added("BTC/USD", BUY, one, 100, 4, 4),
    ]
    assert [(o[1], o[3]) for o in b.orders(BUY, 1)] == [(two, 2), (one, 4)]
    assert b.amend(one, 4, now=5) == []


def test_post_only_never_takes_and_ioc_never_rests() -> None:
    """A maker order that takes pays the wrong fee; a leftover of an IOC would be an order nobody knows of."""
    b = book()
    add(b, SELL, 101, 2, 1)
    assert b.limit(BUY, 101, 5, now=2, post_only=True) == []
    assert isinstance(b.limit(BUY, 100, 5, now=2, post_only=True)[0], Added)
    assert [type(h) for h in b.limit(BUY, 101, 5, now=3, tif="ioc")] == [Printed, Deleted]
    assert b.levels(SELL, 5) == []
    assert b.market(BUY, 7, now=4) == []


def test_levels_and_orders_are_cut_at_a_number_of_prices_best_first() -> None:
    """The feed publishes exactly these."""
    b = book()
    for px, qty in ((100, 1), (98, 2), (99, 3), (99, 4)):
        add(b, BUY, px, qty, 1)
    assert b.levels(BUY, 2) == [(100, 1, 1), (99, 7, 2)]
    assert [(o[0], o[2]) for o in b.orders(BUY, 2)] == [(100, 1), (99, 3), (99, 4)]
    assert (b.best(BUY), b.best(SELL), b.depth(BUY), b.at(BUY, 99), b.at(BUY, 97)) == (100, None, 3, 7, 0)
    assert b.levels(BUY, 0) == b.orders(BUY, 0) == []


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda b: b.limit(BUY, 0, 1, 1), "price 0 is not a positive multiple"),
        (lambda b: b.limit(BUY, 5, 0, 1), "quantity 0 lots is not positive"),
        (lambda b: b.market(BUY, -1, 1), "quantity -1 lots is not positive"),
        (lambda b: b.amend("x", 0, 1), "cancel the order instead"),
        (lambda b: b.limit(BUY, 6, 1, 1, order_id=b.limit(BUY, 5, 1, 1)[0].order_id), "is resting already"),
        (lambda _: MatchingBook("A/B", tick=5).limit(BUY, 7, 1, 1), "price 7 is not a positive multiple of 5"),
    ],
)
def test_an_impossible_order_is_refused_with_its_number(call, text: str) -> None:
    """A silent clip would put another order into the book than was sent."""
    with pytest.raises(ValueError, match=text):
        call(book())


def test_cancelling_what_is_not_there_does_nothing() -> None:
    """A cancel may cross a fill on the way."""
    b = book()
    order_id = add(b, BUY, 100, 5, 1)
    assert b.cancel(order_id, 2) == [Deleted("BTC/USD", BUY, order_id, 100, 5, 2)]
    assert b.cancel(order_id, 3) == []
    assert b.amend(order_id, 1, 3) == []


def test_order_ids_have_krakens_form_and_never_repeat() -> None:
    """Clients validate the form; two orders with one id would merge in every level3 book."""
    ids, same, other = (MatchingBook(s, seed).ids for s, seed in (("BTC/USD", 3), ("BTC/USD", 3), ("BTC/USD", 4)))
    made = [ids.next() for _ in range(50_000)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"O[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{6}", i) for i in made[:2_000])
    assert made[:100] == [same.next() for _ in range(100)]
    assert made[0] != other.next()
