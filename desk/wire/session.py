"""The life of one market-data connection, without the connection.

The shell reports what happened (`opened`, `received`, `lost`, `woke`) and when; every call returns what to do now, and
`next_at` says when to call `woke` if nothing happens before. No sockets and no clock, so every outage is a unit test.
Nothing is asked beyond the budget: an attempt or a request that does not fit yet waits until it does.

    waiting ──woke──▶ Open ──opened──▶ live: subscriptions sent, one ack per symbol awaited
       ▲                                │ silence, refusal of the whole link, too many resyncs
       └──── back-off ◀── lost ◀── Close┘
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from desk.errors import DecodeError
from desk.messages import Ack, Subscription
from desk.wire.budget import REQUEST_WINDOW, REQUESTS, Budget, Window, batches
from desk.wire.codec import Codec
from desk.wire.ping import ping_number
from desk.wire.retry import SECOND, Backoff


class Open(msgspec.Struct, frozen=True):
    """Connect now; answer with `opened` or `lost`."""


class Close(msgspec.Struct, frozen=True):
    """Hang up; answer with `lost`."""

    why: str


class Send(msgspec.Struct, frozen=True):
    """Write these bytes as one text message."""

    raw: bytes


Do = Open | Close | Send
REMEMBERED = 256  # requests whose answers may still come


class Policy(msgspec.Struct, frozen=True):
    """Deadlines in ns."""

    silence: int = 5 * SECOND  # no frame at all: the line is dead (Kraken sends a heartbeat every second)
    connect: int = 10 * SECOND
    ack: int = 10 * SECOND  # an unanswered subscription is asked for again
    ping: int = 20 * SECOND
    pace: int = 0  # least time from one request to the next, where a venue counts them
    resyncs_per_minute: int = 5  # more of them: the connection itself is at fault


class Session:
    """One connection: what it subscribes to, which of that was acknowledged or refused, and whether the line lives."""

    def __init__(
        self,
        codec: Codec,
        wanted: list[Subscription],
        policy: Policy,
        jitter: Callable[[int], int],
        budget: Budget | None = None,
    ) -> None:
        self.codec, self.wanted, self.policy = codec, wanted, policy
        self.backoff = Backoff(jitter)
        self.budget = budget or Budget()  # shared by all connections of the address
        self.live = False
        self.attempts = 0
        self.acked: set[tuple[str, str]] = set()
        self.refused: dict[tuple[str, str], str] = {}  # (channel, symbol) → the venue's words
        self._wake_at = 0
        self._token = ""
        self._opened_at = 0
        self.heard_at = 0  # ns, the last frame; a shell may set it for one that begins as the codec's `quiet` says
        self._asked_at = 0
        self._ping_at = 0
        self._connecting = False
        self._req_id = 0
        self._free_at = 0  # the pace allows the next request then
        self._resyncs: deque[int] = deque(maxlen=policy.resyncs_per_minute)
        self._requests = Window(REQUESTS, REQUEST_WINDOW)  # of this socket
        self._waiting: deque[tuple[int, bytes]] = deque()  # (level3 units, request) not sent yet
        self._send_at = 0
        self._channels: dict[int, str] = {}  # by the number of a request: refusals do not name theirs

    # --- what happened

    def opened(self, now: int, token: str = "") -> Iterator[Do]:
        """The socket is open; `token` for channels that need one, fresh for each connection."""
        self.live, self._connecting, self._token = True, False, token
        self._opened_at = self.heard_at = self._asked_at = now
        self._ping_at = now  # at once: no private call before the venue's clock is measured
        self.acked.clear()
        self.refused.clear()
        self._free_at = now
        self._waiting.clear()
        self._ask(self.codec.subscribe, self.wanted)
        yield from self._send(now)

    def received(self, raw: bytes, now: int) -> Iterator[Do]:
        """A frame came. Only answers are read here; the data belongs to the engine."""
        self.heard_at = now
        try:
            answer = self.codec.control(raw)
        except DecodeError:
            answer = None  # the engine quarantines the frame; the line itself is alive
        if answer is not None:
            self._note(answer)
        return iter(())

    def lost(self, now: int) -> Iterator[Do]:
        """The socket is gone, or could not be opened."""
        up_for = now - self._opened_at if self.live else 0
        self.live = self._connecting = False
        self._wake_at = now + self.backoff.failed(up_for)
        return iter(())

    def woke(self, now: int) -> Iterator[Do]:
        """Time has passed; cheap to call too often."""
        if not self.live:
            if now < self._wake_at:
                return
            if self._connecting:
                self._connecting = False
                yield Close("no connection within the deadline")
                return
            free = self.budget.attempts.free_at(now)
            if free > now:
                self._wake_at = free
                return
            self.budget.attempts.take(now)
            self._connecting = True
            self.attempts += 1
            self._wake_at = now + self.policy.connect
            yield Open()
            return
        if now - self.heard_at >= self.policy.silence:
            yield Close(f"silent for {(now - self.heard_at) / SECOND:.1f} s")
            return
        if not self._waiting and now - self._asked_at >= self.policy.ack:
            self._ask(self.codec.subscribe, self.pending)
        if now >= self._ping_at:
            self._ping_at = now + self.policy.ping
            self._free_at = max(self._free_at, now) + self.policy.pace
            yield Send(self.codec.ping(ping_number(now)))
        yield from self._send(now)

    def resync(self, channel: str, symbol: str, now: int) -> Iterator[Do]:
        """One book went wrong: leave that channel of that symbol and join it again; the others run on."""
        if not self.live:
            return
        if len(self._resyncs) == self._resyncs.maxlen and now - self._resyncs[0] < 60 * SECOND:
            self._resyncs.clear()
            yield Close(f"{self.policy.resyncs_per_minute} resyncs within a minute")
            return
        self._resyncs.append(now)
        again = [each for each in self.wanted if (each.channel, each.symbol) == (channel, symbol)]
        self.acked -= {(channel, symbol)}
        self._ask(self.codec.unsubscribe, again)
        self._ask(self.codec.subscribe, again)
        yield from self._send(now)

    # --- state

    @property
    def next_at(self) -> int:
        """When `woke` must be called, ns, if nothing happens before."""
        if not self.live:
            return self._wake_at
        due = [self.heard_at + self.policy.silence, self._ping_at]
        if self._waiting:
            due.append(self._send_at)
        elif self.pending:
            due.append(self._asked_at + self.policy.ack)
        return min(due)

    @property
    def pending(self) -> list[Subscription]:
        """Asked for and neither acknowledged nor refused."""
        known = self.acked | self.refused.keys()
        return [each for each in self.wanted if (each.channel, each.symbol) not in known]

    def _note(self, ack: Ack) -> None:
        if ack.method != "subscribe":
            return
        # An answer that names no channel, by itself or by its number, concerns every unanswered one of its symbol.
        named = ack.channel or self._channels.get(ack.req_id, "")
        keys = [(each.channel, each.symbol) for each in self.pending]
        for key in [(named, ack.symbol)] if named else [key for key in keys if key[1] == ack.symbol]:
            if ack.success:
                self.acked.add(key)
                self.refused.pop(key, None)
            elif key in keys:
                self.refused[key] = ack.error

    def _number(self) -> int:
        self._req_id += 1
        return self._req_id

    def _ask(self, how: Callable[[list[Subscription], str, int], list[bytes]], subs: list[Subscription]) -> None:
        """Queue the requests for these subscriptions."""
        for units, some in batches(subs):
            number = self._number()
            self._channels[number] = some[0].channel
            if len(self._channels) > REMEMBERED:
                del self._channels[next(iter(self._channels))]
            for raw in how(some, self._token, number):
                self._waiting.append((units, raw))

    def _send(self, now: int) -> Iterator[Do]:
        """What the budget allows now, in order; the rest waits for `woke`."""
        while self._waiting:
            units, raw = self._waiting[0]
            self._send_at = max(self._requests.free_at(now), self.budget.level3.free_at(now, units), self._free_at)
            if self._send_at > now:
                return
            self._requests.take(now)
            self.budget.level3.take(now, units)
            self._waiting.popleft()
            self._asked_at = now
            self._free_at = now + self.policy.pace
            yield Send(raw)
