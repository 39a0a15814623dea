"""What a paper result owes to its queue model: the same orders under a pessimistic and an optimistic one. SIMULATED.

The shadows see every order and cancel of the run, with the same latency, and every change of the market; nothing of
them goes back to the strategy. So that they stay comparable:

    - an order ends in a shadow at the latest when it ends in the run: what it has not filled there by then is missed;
    - an order that leaves a position (its reason is not "entry") fills in a shadow at most what the shadow holds.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from desk import intents
from desk.errors import DeskError
from desk.messages import Side
from desk.portfolio.fees import EXACT, FeeSchedule, money
from desk.portfolio.position import quote_of
from desk.sim.fills import BookAccess, FillModel, Resting

PESSIMISTIC, OPTIMISTIC = "risk_averse", "optimistic"


class Tally:
    """What a queue model's fills come to: lots and money by instrument, exact."""

    def __init__(self, fees: Callable[[], FeeSchedule], books: BookAccess) -> None:
        self._fees, self._books = fees, books
        self.fills = self.maker_fills = 0
        self.held: dict[str, int] = {}  # lots, signed
        self._spent: dict[str, int] = {}  # Σ side · price · lots
        self._paid: dict[str, Decimal] = {}  # fees, by quote currency
        self._last: dict[str, int] = {}  # price of the last fill: the mark where no book can be believed

    def fill(self, order: Resting, px: int, lots: int, maker: bool) -> Decimal:
        """Count a fill; returns its fee."""
        inst = order.inst
        instrument = self._books.instrument(inst)
        if instrument is None:  # it was known when the order arrived
            raise DeskError(f"{inst}: the instrument vanished while {order.order_id} was working")
        self.fills += 1
        self.maker_fills += maker
        fee = self._fees()(money(px * lots, instrument.px_decimals + instrument.qty_decimals), maker)
        quote = quote_of(inst)
        self.held[inst] = self.held.get(inst, 0) + order.side * lots
        self._spent[inst] = self._spent.get(inst, 0) + order.side * px * lots
        self._paid[quote] = EXACT.add(self._paid.get(quote, Decimal(0)), fee)
        self._last[inst] = px
        return fee

    def pnl(self) -> dict[str, Decimal]:
        """By quote currency, net of fees, what is held valued at the mid."""
        total = {quote: EXACT.minus(paid) for quote, paid in self._paid.items()}
        for inst, spent in self._spent.items():
            instrument = self._books.instrument(inst)
            if instrument is None:
                continue
            twice = 2 * self._last[inst]
            if self._books.ready(inst):
                twice = sum(self._books.levels(inst, side, 1)[0][0] for side in (Side.BUY, Side.SELL))
            half = money(self.held[inst] * twice - 2 * spent, instrument.px_decimals + instrument.qty_decimals)
            quote = quote_of(inst)
            total[quote] = EXACT.add(total[quote], EXACT.divide(half, Decimal(2)))
        return total

    def result(self, model: str) -> dict[str, Any]:
        return {
            "model": model,
            "fills": self.fills,
            "maker_fills": self.maker_fills,
            "lots": dict(self.held),
            "pnl_by_quote": {
                quote: f"{pnl.quantize(Decimal('1e-8'), context=EXACT):f}" for quote, pnl in self.pnl().items()
            },
        }


class Shadow:
    """One end of the band: a queue model of its own beside the run's."""

    def __init__(self, model: str, whole: bool, fees: Callable[[], FeeSchedule], books: BookAccess) -> None:
        self.tally = Tally(fees, books)
        self.model = FillModel(model, books, self, whole)

    def arrive(self, order_id: str, wish: intents.Place) -> None:
        lots = wish.qty
        if wish.reason != "entry":
            lots = min(lots, -wish.side * self.tally.held.get(wish.inst, 0))
        if lots > 0:
            self.model.arrive(order_id, wish, lots)

    def describe(self) -> str:
        return self.model.name + ("" if self.model.whole else ", a price beyond ours fills only what is seen there")

    # --- desk.sim.fills.Sink

    def accepted(self, order_id: str) -> None: ...

    def filled(self, order: Resting, px: int, lots: int, maker: bool) -> None:
        self.tally.fill(order, px, lots, maker)

    def ended(self, order_id: str, why: str) -> None: ...


def band_line(paper: dict[str, Any]) -> str:
    """The band of a summary's "paper" in a line for people.

    >>> end = {"fills": 3, "pnl_by_quote": {"USD": "-1.20000000"}}
    >>> band = {"pessimistic": end, "chosen": end, "optimistic": end}
    >>> band_line({"band": band, "queue_model": "log", "queues": "L2 3"})
    'paper band: pessimistic -1.20 USD (3 fills) … optimistic -1.20 USD (3 fills); as run -1.20 USD, queue model log, \
queues joined: L2 3'
    """
    band = paper["band"]
    low, chosen, high = (band[end] for end in ("pessimistic", "chosen", "optimistic"))
    return (
        f"paper band: pessimistic {_money(low)} ({low['fills']} fills) … "
        f"optimistic {_money(high)} ({high['fills']} fills); as run {_money(chosen)}, "
        f"queue model {paper['queue_model']}, queues joined: {paper['queues']}"
    )


def _money(end: dict[str, Any]) -> str:
    return ", ".join(f"{Decimal(pnl):+.2f} {quote}" for quote, pnl in end["pnl_by_quote"].items()) or "+0.00"
