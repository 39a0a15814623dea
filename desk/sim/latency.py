"""How long an order travels to the venue, and its answer back. SIMULATED.

Configured, or measured in the run itself: the median of the last 512 delays between the venue's stamp of a book message
and our receiving it, taken for both ways, as soon as there are 32. It holds the error of our clock against the venue's.
It is made of the recorded events alone, so a replay measures the same.
"""

from __future__ import annotations

from collections import deque
from statistics import median_low

SAMPLES, ENOUGH = 512, 32


class Latency:
    """Entry and response, ns; `heard` feeds the measurement.

    >>> latency = Latency(entry_ns=25, response_ns=30, measured=True)
    >>> latency.entry, latency.response
    (25, 30)
    >>> for delay in range(100, 164):
    ...     latency.heard(sent=1_000 * delay, received=1_000 * delay + delay)
    >>> latency.entry, latency.response
    (131, 131)
    """

    def __init__(self, entry_ns: int, response_ns: int, measured: bool = False) -> None:
        self._configured = (entry_ns, response_ns)
        self.measured = measured
        self._delays: deque[int] = deque(maxlen=SAMPLES)
        self._at = 0  # ns, the newest message

    def heard(self, sent: int, received: int) -> None:
        """A message with the venue's stamp `sent` (0: none) was received; of those of one moment the newest counts."""
        if not (self.measured and sent):
            return
        if received == self._at and self._delays:
            self._delays[-1] = min(self._delays[-1], received - sent)
        else:
            self._delays.append(received - sent)
        self._at = received

    @property
    def entry(self) -> int:
        return self._now(0)

    @property
    def response(self) -> int:
        return self._now(1)

    def _now(self, way: int) -> int:
        if len(self._delays) < ENOUGH:
            return self._configured[way]
        return max(median_low(self._delays), 0)  # below 0 only by the clocks' difference

    def describe(self, way: int) -> str:
        """In words; `way` 0 is entry, 1 response."""
        if len(self._delays) >= ENOUGH:
            kind = f"measured: median of the last {len(self._delays)} feed delays, clock error included"
        elif self.measured:
            kind = "configured: too few stamped messages to measure it"
        else:
            kind = "configured, fixed"
        return f"{self._now(way) / 1e6:g} ms, {kind}"
