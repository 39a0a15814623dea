"""Who sends orders to one simulated instrument, when, and which: the order-flow model.

Events arrive as a self-exciting (Hawkes) process: each makes the next ones likelier for a fraction of a second, a trade
more so, and the whole follows the pace of the fundamentals. At each, the first of these acts that has something to do:

    owners of quotes that the value has passed    take them back, or lose them to somebody faster
    liquidity providers                           close a wide spread
    noise and informed takers                     send a market or an immediate-or-cancel order
    liquidity providers                           add, shrink and take back orders in a busy inner ladder and in a
                                                  patient outer one, which keeps at least 120 prices a side occupied

*Value* is the fundamental price. Informed traders know something of its next seconds: `lean`, −1..1, is the change to
come, weighted by exp(−t / 4 s) and squashed. Takers, new orders, their sizes and cancellations lean with it, by `edge`.
So the book says a little about the future, for as long as it is true; with `edge` 0 nobody knows anything. Where a tick
is wider than the spread would be (ETH/BTC, XRP/BTC) the book tells even then on which side of the mid the value lies.
"""

from __future__ import annotations

from math import exp, floor, log, log10, tanh

import numpy as np

from desk.messages import Side
from desk.sim.dice import Dice, stream
from desk.sim.fundamental import DAY_MINUTES, MINUTE, STEP, STEPS, Fundamentals
from desk.sim.history import log_level, relative_sigma
from desk.sim.listing import Listing
from desk.sim.matching import Deleted, Happening, MatchingBook, Printed

BUY, SELL = Side.BUY, Side.SELL
DECAY = 3.0  # 1/s: how fast excitement fades
# How many events one causes directly, times DECAY: on average about 0.55, so that all of them are 2.2 times the base.
QUOTE_KICK, RACE_KICK, TRADE_KICK = 0.2 * DECAY, 0.75 * DECAY, 2.5 * DECAY
FORESIGHT = 4.0  # s
FADE = exp(-STEP / 1e9 / FORESIGHT)
LEVELS, FEWEST = 170, 150  # prices a side the outer ladder aims at, and from where on it only fills holes
PICKED_OFF = 0.12  # share of quotes on the wrong side that are hit before their owner takes them back
TAKEN_BACK = 3  # quotes that one owner takes back at once
INNER, OUTER = 0, 2  # layers; an order's code is layer + (0 for a bid, 1 for an ask)


class Flow:
    """The orders of one instrument, one action at a time: `act` does what is due at `next_at` and plans the next.

    `edge` ≥ 0 scales what informed traders make of what they know: 1 is the default market, 0 one without foresight.
    The dice depend on the seed and the symbol only.
    """

    __slots__ = (
        "_base", "_codes", "_counts", "_dice", "_heat", "_leans", "_minute", "_path", "_pools", "_relative", "_round",
        "_run", "_size", "_unit", "book", "edge", "fundamentals", "half", "inst", "lean", "listing", "next_at", "value",
    )  # fmt: skip

    def __init__(
        self, listing: Listing, book: MatchingBook, fundamentals: Fundamentals, begin: int, edge: float = 1.0
    ) -> None:
        if edge < 0:
            raise ValueError(f"edge {edge}: must be 0 or more")
        self.listing, self.inst, self.book = listing, listing.inst, book
        self.fundamentals, self.edge = fundamentals, edge
        self._dice = Dice(stream(fundamentals.seed, "flow", listing.symbol, begin // MINUTE))
        self._unit = 10.0**listing.inst.px_decimals
        self._relative = relative_sigma(listing.inst.base, listing.inst.quote)
        self._size = listing.size * 10**listing.inst.qty_decimals
        self._round = 10 ** max(0, int(log10(self._size)) - 1)
        self._codes: dict[str, int] = {}  # our resting orders
        self._counts = [0, 0, 0, 0]  # of them, by code
        self._pools: list[list[str]] = [[], [], [], []]  # by code, some of them filled since
        self._run = BUY  # side of the last taker
        self._heat = 0.0  # events/s above the base rate
        self._minute = -1
        self._look(begin)
        self.next_at = begin
        self._plan(begin, 0.0)

    # --- acting

    def act(self) -> list[Happening]:
        """The action due at `next_at`: what it did to the book, in order. May be empty."""
        now = self.next_at
        self._look(now)
        out, kick = self._repair(now), RACE_KICK
        if out is None and (wide := self._wide()) is not None and self._dice.uniform() < 0.8:
            out = self._inner(wide, now, near=True)
            if self._counts[INNER if wide is BUY else INNER + 1] < self.listing.inner:
                out += self._inner(wide, now)
        if out is None:
            out, kick = self._trade(now) if self._dice.uniform() < self.listing.takers else self._quote(now), QUOTE_KICK
        self._plan(now, TRADE_KICK if out and type(out[0]) is Printed else kick)
        return out

    def settle(self, now: int) -> list[Happening]:
        """Take back everything and put a fresh ladder around the value at `now`; the flow goes on from there."""
        self._look(now)
        out = []
        for order_id in self._codes:
            out += self.book.cancel(order_id, now)
        self._codes.clear()
        self._counts = [0, 0, 0, 0]
        self._pools = [[], [], [], []]
        while (wrong := self._wrong()) is not None:  # from outside, and the value has passed it: somebody takes it
            order = self.book.first(wrong)
            assert order is not None
            out += self.book.limit(BUY if wrong is SELL else SELL, order.px, order.qty, now, tif="ioc")
        for side in (BUY, SELL):
            for _ in range(self.listing.inner):
                out += self._inner(side, now)
            for _ in range(20 * LEVELS):
                if self.book.depth(side) >= LEVELS:
                    break
                out += self._outer(side, now)
        self._heat = 0.0
        self._plan(now, 0.0)
        return out

    def _repair(self, now: int) -> list[Happening] | None:
        """Deal with quotes of one side that are at, or beyond, the value; None when there are none."""
        side = self._wrong()
        if side is None:
            return None
        order = self.book.first(side)
        assert order is not None
        if order.order_id not in self._codes or self._dice.uniform() < PICKED_OFF:
            qty = max(self.inst.qty_min, int(order.qty * (0.5 + 1.5 * self._dice.uniform())))
            return self.forget(self.book.limit(BUY if side is SELL else SELL, order.px, qty, now, tif="ioc"))
        out = self._cancel(order.order_id, now)
        while len(out) < TAKEN_BACK and self._wrong() is side:
            order = self.book.first(side)
            if order is None or order.order_id not in self._codes:
                break
            out += self._cancel(order.order_id, now)
        return out

    def _wrong(self) -> Side | None:
        """The side whose best price is at, or beyond, the value."""
        slack = 0.12 * self.half
        ask = self.book.best(SELL)
        if ask is not None and ask < self.value + slack:
            return SELL
        bid = self.book.best(BUY)
        return BUY if bid is not None and bid > self.value - slack else None

    def _trade(self, now: int) -> list[Happening]:
        dice = self._dice
        if dice.uniform() < 0.3:  # a large order in small pieces
            side = self._run
        else:
            side = self._run = BUY if dice.uniform() < 0.5 + 0.11 * self.lean else SELL
        qty = self._lots(0.5 * exp(min(3.0, 1.1 * dice.normal())))
        if dice.uniform() < 0.6:
            return self.forget(self.book.market(side, qty, now))
        best = self.book.best(SELL if side is BUY else BUY)
        if best is None:
            return []
        reach = int(self.half * dice.uniform())
        return self.forget(self.book.limit(side, max(1, best + side * reach), qty, now, tif="ioc"))

    def _quote(self, now: int) -> list[Happening]:
        what = self._dice.uniform()
        return self._busy(what / 0.74, now) if what < 0.74 else self._patient(now)

    def _busy(self, what: float, now: int) -> list[Happening]:
        """The inner ladder: orders come and go within seconds, around a steady number a side."""
        bids, asks = self._counts[:2]
        full = (bids + asks) / (2 * self.listing.inner) - 1.0
        more = (bids - asks) / (bids + asks + 1)
        u = self._dice.uniform()
        if what < 0.04:
            return self._shrink(BUY if u < 0.5 else SELL, now)
        if what < 0.52 - 0.8 * full:
            return self._inner(BUY if u < 0.5 + 0.07 * self.lean - 0.6 * more else SELL, now)
        return self._withdraw(INNER, BUY if u < 0.5 - 0.07 * self.lean + 0.6 * more else SELL, now)

    def _patient(self, now: int) -> list[Happening]:
        """The outer ladder: minutes of life, and enough prices that a subscriber of a hundred sees a hundred."""
        side = BUY if self._dice.uniform() < 0.5 else SELL
        depth = self.book.depth(side)
        if self._dice.uniform() < 0.5 - 2.0 * (depth / LEVELS - 1.0):
            return self._outer(side, now)
        return self._withdraw(OUTER, side, now)

    # --- single actions

    def _wide(self) -> Side | None:
        """The side whose best price is far from the value."""
        bid, ask = self.book.best(BUY), self.book.best(SELL)
        far = 1.0 + 1.3 * self.half
        below = self.value - bid if bid is not None else 1e18
        above = ask - self.value if ask is not None else 1e18
        if max(below, above) <= far:
            return None
        return BUY if below > above else SELL

    def _inner(self, side: Side, now: int, near: bool = False) -> list[Happening]:
        dice = self._dice
        gap = self.half * (0.72 + 0.36 * dice.uniform())
        best = self.book.best(side)
        if not near:
            if best is not None and side * (self.value - best) > gap and dice.uniform() < 0.2:
                return self._add(INNER, side, best, 1.0, now)
            gap -= log(1.0 - dice.uniform()) * 0.45 * self._reach()
        grid = self.listing.grid if dice.uniform() < 0.5 else 1
        return self._add(INNER, side, self._price(side, gap, grid), 1.0, now)

    def _outer(self, side: Side, now: int) -> list[Happening]:
        dice, span = self._dice, self.listing.span
        near = 0.5 * self._reach()
        far = dice.uniform() ** 1.6
        px = self._price(side, near + span * far, self.listing.grid)
        if self.book.depth(side) < FEWEST:
            for _ in range(8):
                if not self.book.at(side, px):
                    break
                far = dice.uniform()
                px = self._price(side, near + span * far, self.listing.grid)
        return self._add(OUTER, side, px, 1.2 + 2.0 * far, now)

    def _add(self, layer: int, side: Side, px: int, scale: float, now: int) -> list[Happening]:
        against = self.book.best(SELL if side is BUY else BUY)
        if against is not None and side * px >= side * against:
            px = against - side  # liquidity providers never take
        if px < 1:
            return []
        qty = self._lots(scale * exp(0.85 * self._dice.normal() + 0.12 * self.lean * side))
        out = self.book.limit(side, px, qty, now)
        code = layer if side is BUY else layer + 1
        order_id = out[-1].order_id
        self._codes[order_id] = code
        self._counts[code] += 1
        self._pools[code].append(order_id)
        return out

    def _withdraw(self, layer: int, side: Side, now: int) -> list[Happening]:
        code = layer if side is BUY else layer + 1
        order_id = self._any(code)
        if layer == INNER and order_id:  # the one that the value has left furthest behind of three
            index, sign = self.book.index, int(side)
            order_id = min(order_id, self._any(code), self._any(code), key=lambda key: sign * index[key].px)
        return self._cancel(order_id, now) if order_id else []

    def _shrink(self, side: Side, now: int) -> list[Happening]:
        order_id = self._any(INNER if side is BUY else INNER + 1)
        if not order_id:
            return []
        smaller = int(self.book.index[order_id].qty * (0.3 + 0.5 * self._dice.uniform()))
        return self.book.amend(order_id, smaller, now) if smaller >= self.inst.qty_min else []

    def _cancel(self, order_id: str, now: int) -> list[Happening]:
        self._counts[self._codes.pop(order_id)] -= 1
        return self.book.cancel(order_id, now)

    def _any(self, code: int) -> str:
        """One of our resting orders at random, "" when there is none."""
        pool = self._pools[code]
        while pool:
            at = int(self._dice.uniform() * len(pool))
            order_id = pool[at]
            if order_id in self._codes:
                return order_id
            pool[at] = pool[-1]
            pool.pop()
        return ""

    def owns(self, order_id: str) -> bool:
        """Whether a resting order is the flow's, and not somebody's from outside."""
        return order_id in self._codes

    def forget(self, out: list[Happening]) -> list[Happening]:
        """Strike from our list what was filled, by us or by an order from outside; returns what it was given."""
        for happening in out:
            if type(happening) is Deleted:
                code = self._codes.pop(happening.order_id, None)
                if code is not None:
                    self._counts[code] -= 1
        return out

    # --- the world as the flow sees it

    def _look(self, now: int) -> None:
        minute, rest = divmod(now, MINUTE)
        if minute != self._minute:
            self._load(minute)
        k, part = divmod(rest, STEP)
        at = self._path[k]
        self.value = at + (self._path[k + 1] - at) * (part / STEP)
        self.lean = self._leans[k]

    def _load(self, minute: int) -> None:
        world, inst = self.fundamentals, self.inst
        steps = np.hstack([world.minute(minute), world.minute(minute + 1)[:, 1:]])
        level = log_level(steps, inst.base) - log_level(steps, inst.quote)
        path: list[float] = (np.exp(level[: STEPS + 1]) * self._unit).tolist()
        day, at = world.day(minute // DAY_MINUTES), minute % DAY_MINUTES
        usual = float(day.sigma[at]) * self._relative / STEPS**0.5 / (1.0 - FADE * FADE) ** 0.5
        returns: list[float] = np.diff(level).tolist()
        # Where a tick is wider than the natural spread the book tells of the value by itself: less is added there.
        weight = self.edge * min(1.0, 2e-4 * self.listing.half_bps * path[0])
        coming, leans = 0.0, [0.0] * (2 * STEPS)
        for k in range(2 * STEPS - 2, -1, -1):
            coming = returns[k + 1] + FADE * coming
            leans[k] = weight * tanh(0.8 * coming / usual)
        self._path, self._leans, self._minute = path, leans, minute
        self._base = self.listing.rate * float(day.pace[at])
        self.half = max(0.5, self.listing.half_bps * 1e-4 * path[0])

    def _plan(self, now: int, kick: float) -> None:
        """Draw the next arrival by thinning: propose at the rate of now, keep with the share the faded rate has of it.

        The base rate is held at this minute's value even where the arrival falls into the next minute.
        """
        heat, base, dice = self._heat + kick, self._base, self._dice
        wait = 0.0
        while True:
            rate = base + heat
            step = -log(1.0 - dice.uniform()) / rate
            wait += step
            heat *= exp(-DECAY * step)
            if dice.uniform() * rate <= base + heat:
                break
        self._heat = heat
        self.next_at = now + 1_000 + int(wait * 1e9)  # no two at the same microsecond

    def _reach(self) -> float:
        """How far the inner ladder reaches, ticks."""
        return max(1.5, self.listing.inner_bps * 1e-4 * self.value)

    def _price(self, side: Side, gap: float, grid: int) -> int:
        """The price `gap` ticks away from the value, rounded away from it to the grid."""
        if side is BUY:
            return floor((self.value - gap) / grid) * grid
        return -floor(-(self.value + gap) / grid) * grid

    def _lots(self, scale: float) -> int:
        qty = max(self.inst.qty_min, int(self._size * scale))
        if qty > 4 * self._round and self._dice.uniform() < 0.4:  # people like round numbers
            qty -= qty % self._round
        return qty
