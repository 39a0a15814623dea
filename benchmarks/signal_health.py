"""Does signal health find an edge where there is one, and none where there is none?

    python -m benchmarks.signal_health --noise 40 --planted 3 --seconds 1800

Seeds of the simulated market, in its own time: in `noise` nobody knows anything (edge 0), in `planted` some traders
know a little of the next seconds (edge 1). Frames go through the desk's own decoder, books and score; only strategies
and the paper venue are left out. Exit code 1 when an edge is missed, or when more than 5 % of the noise is believed.
"""

from __future__ import annotations

import argparse
import time

from deploy_trading_systems import build
from desk.config import Config
from desk.events import Start, Timer
from desk.io.config_file import canonical, config_hash
from desk.projections.signal_health import STEP
from desk.research.ic import EVIDENCE, NO_EVIDENCE
from desk.research.signal_health import Health, health
from desk.run.loop import BEAT
from desk.run.modes import with_symbols
from desk.run.observe import Observer
from desk.sim.rehearsal import BEGIN, Rehearsal
from hft_signals import decay

SYMBOL = "BTC/USDT"


def measure(seed: int, edge: float, seconds: float, symbol: str = SYMBOL, *, whole: bool = False) -> Health:
    """The health of one symbol's score after `seconds` of a market with this edge."""
    market = Rehearsal(seed, (symbol,), edge=edge)
    config = with_symbols(Config(), (symbol,))
    text, digest = canonical(config), config_hash(config)
    start = Start(BEGIN, "scalping", "embedded", "embedded", (symbol,), text, digest, seed, "bench", (market.link,))
    engine = build(start).engine
    engine.seats.clear()  # nobody trades
    observer = Observer(engine, decay, bounded=False)
    beat = BEGIN + STEP
    for event in market.events(seconds):
        while beat <= event.ts:
            timer = Timer(beat, "beat")
            engine.step(timer)
            observer.after(timer, [])
            beat += BEAT
        engine.step(event)
    (samples,) = observer.samples.samples.values()
    return health(samples, 25.0, 40.0, whole=whole)


def line(kind: str, seed: int, found: Health, took: float) -> str:
    cells = [
        f"{one.horizon_s:>4g} s {one.ic.value:+.3f} [{one.ic.low:+.3f}, {one.ic.high:+.3f}] "
        f"t {one.t:+5.1f}, late {one.t_late:+5.1f}"
        for one in found.ics["score"]
        if one.word == "MEASURED" and one.ic is not None and one.t is not None and one.t_late is not None
    ]
    quiet = f"{100 * found.placebos.quiet.value:.0f} %" if found.placebos.quiet else "-"
    alarms = f"  {len(found.alarms)} ALARMS" if found.alarms else ""
    return f"{kind:7} {seed:4} {took:5.1f} s  {found.says:16} {'; '.join(cells)}; placebos quiet {quiet}{alarms}"


def main() -> int:
    p = argparse.ArgumentParser(prog="python -m benchmarks.signal_health", description=__doc__.splitlines()[0])
    p.add_argument("--noise", type=int, default=40, metavar="SEEDS")
    p.add_argument("--planted", type=int, default=3, metavar="SEEDS")
    p.add_argument("--seconds", type=float, default=1800.0)
    p.add_argument("--first", type=int, default=1, metavar="SEED")
    p.add_argument("--symbol", default=SYMBOL)
    options = p.parse_args()
    print(f"SIMULATED {options.symbol}, {options.seconds:g} s a seed; ICs of the score where they are MEASURED")
    right = {"planted": 0, "noise": 0}
    for kind, edge, seeds, wanted in (
        ("planted", 1.0, options.planted, EVIDENCE),
        ("noise", 0.0, options.noise, NO_EVIDENCE),
    ):
        for seed in range(options.first, options.first + seeds):
            began = time.perf_counter()
            found = measure(seed, edge, options.seconds, options.symbol)
            right[kind] += found.says == wanted
            print(line(kind, seed, found, time.perf_counter() - began), flush=True)
    print(f"planted edge found in {right['planted']} of {options.planted} seeds")
    print(f"noise called no evidence in {right['noise']} of {options.noise} seeds")
    return int(right["planted"] < options.planted or right["noise"] < 0.95 * options.noise)


if __name__ == "__main__":
    raise SystemExit(main())
