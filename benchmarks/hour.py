"""An hour of the simulated market under watch: `python -m benchmarks.hour --seeds 1 2 3 4 5 --seconds 3600`.

Runs the whole desk (engine, gates, paper venue, journal) in the market's own time, as fast as it goes, and after every
event asks what may never be untrue:

    ledger      every asset sums to zero, free + reserved is what we have, cash and equity are what the fills say
    exposure    position and working orders, filled against us, never above the limits
    orders      0 ≤ filled ≤ quantity; each ends once; nothing but exits leaves while a breaker is open or we are killed
    replay      the journal gives the same answers again, byte for byte

`tight` limits make the breakers trip, so that the rule about them is not proven on a run without one.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import msgspec

from deploy_trading_systems import build
from desk.config import Config, Risk
from desk.events import Command, Ended, Event, Fill, Frame, Start
from desk.intents import Effect, Submit
from desk.io.config_file import canonical, config_hash
from desk.io.journal import JournalWriter
from desk.portfolio.position import quote_of
from desk.run.loop import Loop
from desk.run.modes import with_symbols
from desk.run.replay import replay
from desk.sim.rehearsal import BEGIN, Rehearsal

SYMBOLS = ("BTC/USDT", "ETH/USDT")
TIGHT = Risk(daily_loss_pct=0.01, max_drawdown_pct=0.02, max_consecutive_losses=2)


class Order(msgspec.Struct):
    """What an independent observer writes down of an order."""

    submit: Submit
    filled: int = 0
    ended: str = ""


class Watcher:
    """Looks at the desk after every event, from outside, and raises AssertionError with what it saw."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.orders: dict[str, Order] = {}
        self.held: dict[str, int] = {}
        self.breaks: list[str] = []
        self.peak_share = 0.0  # the largest exposure seen, as a share of its limit
        self.events = 0
        self._step = loop.engine.step
        loop.engine.step = self.step  # type: ignore[method-assign]

    def step(self, event: Event) -> list[Effect]:
        engine = self.loop.engine
        stopped = bool(engine.account.halted or engine.account.killed or engine.account.cooldown_until)
        effects = self._step(event)
        self.events += 1
        if isinstance(event, Fill):
            order = self.orders[event.order_id]
            order.filled += event.qty
            assert order.filled <= order.submit.place.qty, f"{event.order_id} filled beyond its quantity"
            self.held[event.inst] = self.held.get(event.inst, 0) + event.side * event.qty
        elif isinstance(event, Ended):
            order = self.orders[event.order_id]
            assert not order.ended, f"{event.order_id} ended twice: {order.ended}, {event.why}"
            order.ended = event.why
        for effect in effects:
            if isinstance(effect, Submit):
                place = effect.place
                assert effect.order_id not in self.orders, f"{effect.order_id} used twice"
                held = self.held.get(place.inst, 0)
                exits = held * place.side < 0 and place.qty <= abs(held)
                assert exits or not stopped, f"{effect.order_id} enters while {engine.account.state(engine.now)}"
                self.orders[effect.order_id] = Order(effect)
        state = engine.account.state(engine.now)
        if state != "armed" and (not self.breaks or self.breaks[-1].split()[0] != state.split()[0]):
            self.breaks.append(state)
        self._exposure()
        if effects or not isinstance(event, Frame):
            engine.portfolio.check()
            for inst, lots in self.held.items():
                assert engine.portfolio.position(inst).qty == lots
                assert sum(seat.position(inst) for seat in engine.seats) == lots, f"{inst}: the seats do not add up"
        return effects

    def _exposure(self) -> None:
        """Position and every working order, filled against us at their own prices, against the limits of the gate."""
        engine = self.loop.engine
        gross: dict[str, float] = {}
        for inst in engine.watch.markets:
            held = self.held.get(inst, 0)
            working = [o for o in self.orders.values() if not o.ended and o.submit.place.inst == inst]
            if not held and not working:
                continue
            instrument = engine.watch.instruments[inst]
            left = [(o.submit.place.side, o.submit.place.qty - o.filled, o.submit.place.px) for o in working]
            up = held + sum(qty for side, qty, _ in left if side > 0)
            down = held - sum(qty for side, qty, _ in left if side < 0)
            market = engine.watch.markets[inst]
            price = max([px for _, _, px in left] + ([int(market.mid)] if market.ready else []), default=0)
            worst = float(instrument.notional(price, max(abs(up), abs(down))))
            start = engine.account.purses[quote_of(inst)].day_start
            limit = start * engine.limits.max_position_pct / 100.0
            self.peak_share = max(self.peak_share, worst / limit)
            assert worst <= limit, f"{inst}: exposure {worst:.2f} above {limit:.2f}"
            gross[quote_of(inst)] = gross.get(quote_of(inst), 0.0) + worst
        for quote, value in gross.items():
            limit = engine.account.purses[quote].day_start * engine.limits.max_gross_pct / 100.0
            assert value <= limit, f"{quote}: gross exposure {value:.2f} above {limit:.2f}"


def rehearse(
    seed: int, seconds: float, folder: Path, config: Config | None = None, symbols: tuple[str, ...] = SYMBOLS
) -> Watcher:
    """One watched session; its journal is in `folder`."""
    market = Rehearsal(seed, symbols)
    config = with_symbols(config or Config(), symbols)
    text, digest = canonical(config), config_hash(config)
    start = Start(BEGIN, "scalping", "embedded", "embedded", symbols, text, digest, seed, "rehearsal", (market.link,))
    parts = build(start)
    journal = JournalWriter(folder)
    resync = lambda effect: market.resync(effect.channel, effect.symbol)  # noqa: E731
    loop = Loop(parts.engine, parts.venue, parts.gate, journal, resync)
    watcher = Watcher(loop)
    loop.arrive(start, 0)
    for event in market.events(seconds):
        loop.arrive(event, 0)
    loop.arrive(Command(loop.now, "stop", "the rehearsal ends"), 0)
    loop.until(loop.now + 2_000_000_000)
    journal.close({"effect_hash": journal.effect_hash})
    return watcher


def main() -> None:
    p = argparse.ArgumentParser(prog="python -m benchmarks.hour", description=__doc__.splitlines()[0])
    p.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    p.add_argument("--seconds", type=float, default=3600.0)
    p.add_argument("--tight", action="store_true", help="limits so narrow that the breakers trip")
    options = p.parse_args()
    config = Config(risk=TIGHT) if options.tight else Config()
    print(" seed   events   wall s  signals  orders  fills  closed  open  peak  breakers; replay")
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as scratch:
            folder, began = Path(scratch) / "session", time.perf_counter()
            watcher = rehearse(seed, options.seconds, folder, config)
            took = time.perf_counter() - began
            again = replay(folder, lambda start: build(start).engine)
        counts = watcher.loop.blotter.result()
        unended = sum(not order.ended for order in watcher.orders.values())
        trips = ", ".join(watcher.breaks) or "none"
        print(
            f"{seed:5}{watcher.events:9,}{took:9.1f}{counts.signals:9}{counts.orders:8}{counts.fills:7}{counts.closed:8}"
            f"{unended:6}{watcher.peak_share:6.0%}  {trips}; {'equal' if again['equal'] else 'DIFFERS'}",
            flush=True,
        )


if __name__ == "__main__":
    main()
