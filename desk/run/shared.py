"""Where other threads meet the one writer: a frozen snapshot to read, a locked inbox to post to; no other lock.

the writer ──publish(frozen struct)──▶ Shared.latest ──▶ any thread, no lock: one reference was swapped
any thread ──post(event)──▶ Inbox (locked, bounded) ──take()──▶ the writer, which gives each its time
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from desk.events import Event

S = TypeVar("S", bound=msgspec.Struct)
ROOM = 1_024  # events that may wait; a person and a few REST calls never come near it


class Shared(Generic[S]):
    """The newest snapshot. Written by one thread, read by any; a reader keeps what it got, whole and unchanging.

    >>> class Count(msgspec.Struct, frozen=True):
    ...     frames: int
    >>> shared: Shared[Count] = Shared()
    >>> shared.latest is None, shared.publish(Count(7)), shared.latest
    (True, None, Count(frames=7))
    """

    __slots__ = ("latest",)

    def __init__(self) -> None:
        self.latest: S | None = None

    def publish(self, snapshot: S) -> None:
        """Replace what readers see. Raises TypeError for a struct that could still be changed."""
        if not snapshot.__struct_config__.frozen:
            raise TypeError(f"{type(snapshot).__name__} can be changed: other threads may only see frozen structs")
        self.latest = snapshot


class Inbox:
    """Events from other threads, oldest first; at most `room` wait, the ones beyond are refused and counted.

    `wake` is called by the poster, outside the lock, when the inbox was empty before: it must be safe from any thread.
    The events' own times are not believed: time is the writer's.
    """

    __slots__ = ("_events", "_lock", "_refused", "_wake", "room")

    def __init__(self, wake: Callable[[], object] = lambda: None, room: int = ROOM) -> None:
        if room < 1:
            raise ValueError(f"an inbox needs room for at least 1 event, got {room}")
        self._wake, self.room = wake, room
        self._lock = threading.Lock()
        self._events: deque[Event] = deque()
        self._refused = 0

    def post(self, event: Event) -> bool:
        """From any thread: hand an event to the writer; False when there is no room, and the event is not taken."""
        with self._lock:
            if len(self._events) >= self.room:
                self._refused += 1
                return False
            self._events.append(event)
            first = len(self._events) == 1
        if first:
            self._wake()
        return True

    def take(self) -> tuple[list[Event], int]:
        """The writer's: everything that waited, in order, and how many were refused since the last time."""
        with self._lock:
            events, self._events = list(self._events), deque()
            refused, self._refused = self._refused, 0
        return events, refused
