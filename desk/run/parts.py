"""The classes that one run is made of, chosen by `build` of the command line."""

from __future__ import annotations

import msgspec

from desk.engine import Engine
from desk.risk.last_gate import LastGate
from desk.run.loop import SimulatedVenue
from desk.run.observe import Decay


class Parts(msgspec.Struct, frozen=True):
    """`decay` says what a score is still worth after so many seconds: 0..1."""

    engine: Engine
    venue: SimulatedVenue
    gate: LastGate
    decay: Decay
