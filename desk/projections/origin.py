"""Where an order came from: order → verdict → intent → signal → event, and what became of it; from journal entries."""

from __future__ import annotations

import msgspec

from desk.events import Accepted, Ended, Event, Fill
from desk.intents import CancelOrder, Effect, Noted, Place, Refuse, Signal, Submit


class Origin(msgspec.Struct):
    """One order, or the wish that risk refused. `cause` is the entry's sequence number and its event; `after` what the
    venue said, with the sequence numbers. `entry` is the order that opened the position this one leaves."""

    order_id: str
    place: Place
    seq: int
    cause: Event
    refused: Refuse | None = None
    signal: Signal | None = None
    signal_seq: int = 0
    entry: str = ""
    after: list[tuple[int, Event]] = []
    cancel: tuple[int, int] | None = None  # seq and ns of our own cancel


class OriginFold:
    """`apply` every entry in order; `found` is the order (o5), or what became of the signal (s3), once it came by."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: Origin | None = None
        self.orders: list[str] = []  # the last ones seen, for a person who names one that is not there
        self._signals: dict[str, tuple[int, Signal]] = {}  # by instrument, the last
        self._entered: dict[str, str] = {}  # by instrument, the order that opened the position
        self._held: dict[str, int] = {}

    def apply(self, event: Event, effects: list[Effect], seq: int) -> None:
        """Take one entry in."""
        if isinstance(event, Fill):
            held = self._held.get(event.inst, 0)
            if not held:
                self._entered[event.inst] = event.order_id
            self._held[event.inst] = held + event.side * event.qty
        if isinstance(event, (Accepted, Fill, Ended)) and self.found and event.order_id == self.found.order_id:
            self.found.after.append((seq, event))
        for effect in effects:
            if isinstance(effect, Noted) and isinstance(effect.what, Signal):
                self._signals[effect.what.inst] = (seq, effect.what)
            elif isinstance(effect, Submit):
                self.orders = [*self.orders[-4:], effect.order_id]
                if self._asked(effect.order_id, effect.place, seq):
                    self._find(Origin(effect.order_id, effect.place, seq, event))
            elif isinstance(effect, Refuse) and self._asked("", effect.place, seq):
                self._find(Origin("", effect.place, seq, event, refused=effect))
            elif isinstance(effect, CancelOrder) and self.found and effect.order_id == self.found.order_id:
                self.found.cancel = (seq, event.ts)

    def _asked(self, order_id: str, place: Place, seq: int) -> bool:
        signal_seq, signal = self._signals.get(place.inst, (0, None))
        of_signal = signal is not None and signal.signal_id == self.name and signal_seq == seq
        return order_id == self.name if order_id and not of_signal else of_signal

    def _find(self, origin: Origin) -> None:
        place = origin.place
        origin.signal_seq, origin.signal = self._signals.get(place.inst, (0, None))
        if self._held.get(place.inst, 0) * place.side < 0:
            origin.entry = self._entered.get(place.inst, "")
        elif origin.signal_seq != origin.seq:
            origin.signal, origin.signal_seq = None, 0  # an entry that came without a signal
        self.found = origin
