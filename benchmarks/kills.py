"""kill -9 at random moments: `python -m benchmarks.kills --kills 200 --seed 1`.

One embedded exchange runs throughout. Again and again the whole desk is started on it (`--mode scalping` over its
sockets, with a strategy beside the scalper that trades several times a second), killed at a random moment, and started
again: it recovers, takes over and goes on. What nobody may lose is checked from outside, with sums of our own:

    fills       every fill in the dead session's journal is in the positions and the cash that the next one begins with
    orders      no order id comes twice over all sessions; no order reached the venue without its intent in the journal
    ends        every order is ended in its own session or the next, or is visibly in doubt
    replay      each journal gives the same answers again
    recovery    how long it took, as its report says

The desk is forked from a warm parent, so that a session lasts as long as its life and not as long as its imports.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from deploy_trading_systems import build as build_desk
from deploy_trading_systems import parser
from desk.config import Config, Risk, ScalpingEngine, VenueConfig
from desk.events import Ended, Event, Fill, Start
from desk.handover import PlannedExit
from desk.instrument import split_key
from desk.intents import CancelOrder, Enquire, Intent, Place, Submit, Withdraw
from desk.io.journal import JOURNAL, read_session
from desk.messages import Side, Trade
from desk.run.live import Parts
from desk.run.modes import trade
from desk.run.recovery import DATA
from desk.run.replay import replay
from desk.sim.listing import LISTINGS
from desk.strategies.base import Strategy, View
from desk.strategies.seat import Seat

ROOT = Path(__file__).resolve().parent.parent
SYMBOLS = ("BTC/USDT", "ETH/USDT")
WIRE = "wire.log"  # every order before the venue hears of it, and every fill before the desk does
DECIMALS = {f"{s}@kraken": LISTINGS[s].inst.px_decimals + LISTINGS[s].inst.qty_decimals for s in SYMBOLS}
COLLAR = 20  # ticks
LOOSE = Risk(  # so that what is tested is the memory, not the limits
    equity_quote=100_000.0,
    orders_per_s=50,
    orders_per_min=600,
    daily_loss_pct=10.0,
    max_drawdown_pct=30.0,
    max_consecutive_losses=50,
    cooldown_s=0.0,
)


class Churn(Strategy):
    """Buys and sells the smallest useful quantity at every beat, and keeps an order resting out of reach."""

    def trades(self, inst: str) -> bool:
        return False

    def adopt(self, inst: str, lots: int, plan: PlannedExit | None, now: int) -> bool:
        return True  # what it holds it sells at the next beat

    def on_timer(self, key: str, view: View) -> Iterable[Intent]:
        for symbol in SYMBOLS:
            inst = f"{symbol}@kraken"
            book, instrument = view.book(inst), view.instrument(inst)
            if not book.ready or instrument is None:
                continue
            mine = {order_id: place for order_id, place in view.working.items() if place.inst == inst}
            resting = [order_id for order_id, place in mine.items() if place.tif == "gtc"]
            if len(resting) < len(mine):
                continue  # one of the others is on its way
            tick, held = instrument.tick, view.position(inst)
            lots = max(instrument.qty_min, int(20 / float(instrument.notional(book.ask, 1)))) // instrument.lot
            if held > 0:
                yield Place(inst, Side.SELL, held, book.bid - COLLAR * tick, "ioc", reason="churn")
            else:
                yield Place(inst, Side.BUY, lots * instrument.lot, book.ask + COLLAR * tick, "ioc", reason="churn")
            yield from (Withdraw(order_id) for order_id in resting)
            far = book.bid * 9 // 10 // tick * tick
            yield Place(inst, Side.BUY, lots * instrument.lot * 2, far, "gtc", post_only=True, reason="rest")


class Wiretap:
    """The venue, with every order written down before it arrives there."""

    def __init__(self, venue: Any, log: int) -> None:
        self._venue, self._log = venue, log

    def perform(self, effect: Submit | CancelOrder | Enquire, now: int) -> None:
        if isinstance(effect, Submit):
            os.write(self._log, f"order {effect.order_id}\n".encode())
        self._venue.perform(effect, now)

    @property
    def next_at(self) -> int | None:
        return self._venue.next_at  # type: ignore[no-any-return]

    def due(self, now: int) -> list[Event]:
        events: list[Event] = self._venue.due(now)
        for event in events:
            if isinstance(event, Fill):
                os.write(self._log, f"fill {event.fill_id}\n".encode())
        return events

    def on_book(self, inst: str, now: int) -> None:
        self._venue.on_book(inst, now)

    def on_trade(self, trade: Trade, now: int) -> None:
        self._venue.on_trade(trade, now)

    def report(self) -> dict[str, Any]:
        return self._venue.report()  # type: ignore[no-any-return]


def build(start: Start) -> Parts:
    """The desk that a user runs, and the busy strategy in a seat of its own."""
    parts = build_desk(start)
    engine = parts.engine
    stale = engine.limits.stale_ns
    engine.seats.append(Seat(1, Churn(), engine.watch, engine.portfolio, stale, engine.inside))
    return parts


class Ledger:
    """What must be, summed up from journals by nothing but addition."""

    def __init__(self, cash: Decimal) -> None:
        self.cash = {"USDT": cash}
        self.held: dict[str, int] = {}
        self.ids: set[str] = set()
        self.open: dict[str, str] = {}  # order → the session that sent it
        self.fills = self.orders = self.sessions = self.torn = self.early = self.overtaken = self.unheard = 0
        self.took: list[float] = []
        self.wrong: list[str] = []

    def session(self, folder: Path) -> None:
        """Take in one session that was killed, and compare what it began with."""
        entries, torn, _ = read_session(folder)
        start = entries[0].event
        assert isinstance(start, Start)
        self.sessions += 1
        self.torn += torn > 0
        if self.sessions > 1:
            self._compare(folder, start)
        sent: set[str] = set()
        for entry in entries:
            event = entry.event
            if isinstance(event, Fill):
                self._fill(event)
            elif isinstance(event, Ended):
                self.open.pop(event.order_id, None)
            for effect in entry.effects:
                if isinstance(effect, Submit):
                    if effect.order_id in self.ids:
                        self.wrong.append(f"{folder.name}: order {effect.order_id} a second time")
                    self.ids.add(effect.order_id)
                    sent.add(effect.order_id)
                    self.open[effect.order_id] = folder.name
        self.orders += len(sent)
        lines = (folder / WIRE).read_text().split("\n") if (folder / WIRE).exists() else []
        wire = [line.removeprefix("order ") for line in lines if line.startswith("order ")]
        told = {line.removeprefix("fill ") for line in lines if line.startswith("fill ")}
        self.unheard += len(told - {entry.event.fill_id for entry in entries if isinstance(entry.event, Fill)})
        if len(set(wire)) != len(wire):
            self.wrong.append(f"{folder.name}: an order reached the venue twice")
        self.wrong += [f"{folder.name}: {name} on the wire without an intent" for name in wire if name not in sent]
        if not replay(folder, lambda start: build(start).engine)["equal"]:
            self.wrong.append(f"{folder.name}: replays differently")

    def _compare(self, folder: Path, start: Start) -> None:
        if start.handover is None:
            self.wrong.append(f"{folder.name}: took nothing over")
            return
        held = {inst: lots for inst, lots in self.held.items() if lots}
        if start.handover.held != held:
            self.wrong.append(f"{folder.name}: begins with {start.handover.held}, the fills say {held}")
        if start.handover.cash != self.cash:
            self.wrong.append(f"{folder.name}: begins with {start.handover.cash}, the fills say {self.cash}")
        if start.handover.fills != self.fills:
            self.wrong.append(f"{folder.name}: knows {start.handover.fills} fills of {self.fills}")
        report = json.loads((folder / DATA).read_text())
        self.took.append(report["took_ms"])
        self.overtaken += len(report["orders"])
        self.wrong += [f"{folder.name}: {text}" for text in report["differences"]]

    def _fill(self, fill: Fill) -> None:
        self.fills += 1
        self.held[fill.inst] = self.held.get(fill.inst, 0) + fill.side * fill.qty
        quote = split_key(fill.inst)[0].partition("/")[2]
        paid = Decimal(fill.side * fill.px * fill.qty).scaleb(-DECIMALS[fill.inst])
        self.cash[quote] = self.cash[quote] - paid - fill.fee


def run_child(config: Config, options: argparse.Namespace, log: Path) -> None:
    """In the fork: the desk, until somebody kills it."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)

    def wired(start: Start) -> Parts:
        parts = build(start)
        folder = max(Path(config.journal.dir).glob(f"*/{JOURNAL}")).parent
        tap = os.open(folder / WIRE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        return msgspec.structs.replace(parts, venue=Wiretap(parts.venue, tap))

    os._exit(trade(options, config, wired))


def campaign(kills: int, seed: int, folder: Path, longest_s: float) -> Ledger:
    """Kill `kills` sessions, each U(0.1, longest_s) s after its fork, and let a last one end by itself."""
    dice = random.Random(seed)
    args = [sys.executable, str(ROOT / "deploy_trading_systems.py"), "exchange", "--port", "0", "--child"]
    venue = subprocess.Popen([*args, "--symbols", ",".join(SYMBOLS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert venue.stdout is not None
    try:
        ready = json.loads(venue.stdout.readline())
        base = Config()
        config = msgspec.structs.replace(
            base,
            venue=VenueConfig(ws_url=ready["ws"], ws_l3_url=ready["ws"], rest_url=ready["rest"]),
            journal=msgspec.structs.replace(base.journal, dir=str(folder / "sessions")),
            risk=LOOSE,
            last_gate=msgspec.structs.replace(base.last_gate, orders_per_s=50),
            scalping_engine=ScalpingEngine(enabled=True, symbols=SYMBOLS),
        )
        ledger = Ledger(Decimal(str(config.risk.equity_quote)))
        words = ["--mode", "scalping", "--feed", "kraken", "--no-record", "--json"]
        known: set[Path] = set()
        for number in range(kills + 1):
            last = number == kills
            options = parser().parse_args([*words, "--duration", "3"] if last else words)
            pid = os.fork()
            if pid == 0:
                run_child(config, options, folder / "children.log")
            if not last:
                time.sleep(dice.uniform(0.1, longest_s))
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            ledger.early += not last
            for made in sorted(path.parent for path in (folder / "sessions").glob(f"*/{JOURNAL}")):
                if made not in known and (made / JOURNAL).stat().st_size:
                    known.add(made)
                    ledger.early -= not last
                    ledger.session(made)
        return ledger
    finally:
        venue.terminate()
        venue.wait()


def describe(ledger: Ledger) -> str:
    """The numbers, as they were measured."""
    took = sorted(ledger.took)
    middle, most = (took[len(took) // 2], took[-1]) if took else (float("nan"), float("nan"))
    lines = [
        f"{ledger.sessions} sessions ({ledger.early} more were killed before their first entry), "
        f"{ledger.orders} orders, {ledger.fills} fills, {ledger.torn} torn tails",
        f"orders taken over in doubt and resolved: {ledger.overtaken}; not ended at the very end: {len(ledger.open)}",
        f"fills that the venue was telling in the instant of the kill, not yet in the journal: {ledger.unheard}",
        f"recovery: median {middle:.0f} ms, longest {most:.0f} ms",
        f"wrong: {len(ledger.wrong)}",
    ]
    return "\n".join(lines + [f"  {text}" for text in ledger.wrong[:20]])


def main() -> int:
    p = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__.splitlines()[0])
    p.add_argument("--kills", type=int, default=200)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--longest", type=float, default=3.0, metavar="S", help="a session lives up to this long")
    p.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the sessions here")
    options = p.parse_args()
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        ledger = campaign(options.kills, options.seed, folder, options.longest)
    print(describe(ledger))
    print(f"{time.perf_counter() - began:.0f} s")
    return 1 if ledger.wrong or ledger.fills < options.kills else 0  # who traded nothing has proven nothing


if __name__ == "__main__":
    raise SystemExit(main())
