"""What Kraken lets one address and one account ask for, kept before it is asked: connections, requests, symbols.

    connection attempts   about 150 in 10 minutes and address, over all its sockets, then a ban of 10 minutes
    requests of a socket  not documented, dynamic; other clients keep to 20 a second, 10 at once
    level3, an account    200 units a second; a symbol costs 5 at depth 10, 25 at 100, 100 at 1000
    level3, a connection  200 symbols; we hold every connection to it

We take less than half of the attempts: the same edge counts our REST calls, and other programs of the same address.
Source: Kraken API documentation (level3 limits) and the practice of public clients (the rest).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from desk.errors import ConfigError
from desk.messages import LinkSpec, Subscription

SECOND = 1_000_000_000
ATTEMPTS, ATTEMPT_WINDOW = 60, 600 * SECOND
CONNECTIONS = 12  # each can then be opened five times in the window
SYMBOLS_PER_CONNECTION = 200
SYMBOLS_PER_REQUEST = 100
REQUESTS, REQUEST_WINDOW = 10, SECOND // 2
LEVEL3_UNITS = 200  # a second, of a standard account
LEVEL3_COST = {10: 5, 100: 25, 1000: 100}  # by depth, of one symbol
LEVEL3_START_S = 8  # a book asked for much later would count as one that never came (10 s)


class Window:
    """At most `limit` units in any `span` ns. A clock set back makes what was taken as young as possible.

    >>> window = Window(limit=2, span=10)
    >>> window.take(0), window.take(3), window.free_at(4)
    (None, None, 10)
    >>> window.free_at(4, units=2), window.free_at(11)
    (13, 11)
    """

    __slots__ = ("_sum", "_taken", "limit", "span")

    def __init__(self, limit: int, span: int) -> None:
        self.limit, self.span = limit, span
        self._taken: deque[tuple[int, int]] = deque()
        self._sum = 0

    def free_at(self, now: int, units: int = 1) -> int:
        """The first moment from `now` on at which `units` fit. Raises ValueError for more than ever fit."""
        if units > self.limit:
            raise ValueError(f"{units} units never fit a window of {self.limit}")
        self._forget(now)
        held = self._sum
        for at, taken in self._taken:
            if held + units <= self.limit:
                break
            held -= taken
            now = max(now, at + self.span)
        return now

    def take(self, now: int, units: int = 1) -> None:
        """They are used, whether they were free or not."""
        self._forget(now)
        self._taken.append((now, units))
        self._sum += units

    def _forget(self, now: int) -> None:
        if self._taken and self._taken[-1][0] > now:
            self._taken = deque((min(at, now), units) for at, units in self._taken)
        while self._taken and self._taken[0][0] + self.span <= now:
            self._sum -= self._taken.popleft()[1]


class Budget:
    """What all connections of one run share: the address's attempts and the account's level3 units."""

    def __init__(self) -> None:
        self.attempts = Window(ATTEMPTS, ATTEMPT_WINDOW)
        self.level3 = Window(LEVEL3_UNITS, SECOND)


def cost(sub: Subscription) -> int:
    """level3 units of one symbol; other channels cost none."""
    return LEVEL3_COST.get(sub.depth or 10, LEVEL3_UNITS) if sub.channel == "level3" else 0


def batches(wanted: Iterable[Subscription]) -> Iterator[tuple[int, list[Subscription]]]:
    """(level3 units, subscriptions) of each request: one channel and depth, no more symbols than a request may name.

    >>> subs = [Subscription("level3", name, 1000) for name in ("A/B", "C/D", "E/F")]
    >>> [(units, len(some)) for units, some in batches(subs)]
    [(200, 2), (100, 1)]
    """
    groups: dict[tuple[str, int, int], list[Subscription]] = {}
    for sub in wanted:
        groups.setdefault((sub.channel, sub.depth, sub.interval), []).append(sub)
    for group in groups.values():
        each = cost(group[0])
        most = LEVEL3_UNITS // each if each else SYMBOLS_PER_REQUEST
        for at in range(0, len(group), most):
            some = group[at : at + most]
            yield each * len(some), some


def split(name: str, wanted: Iterable[Subscription]) -> tuple[LinkSpec, ...]:
    """The connections these subscriptions need, all channels of a symbol on one: "public", "public-2", …

    What has no symbol (the instruments of the whole venue) goes on the first.
    """
    homes: dict[str, int] = {}
    links: dict[int, list[Subscription]] = {}
    for sub in wanted:
        home = homes.setdefault(sub.symbol, len(homes) // SYMBOLS_PER_CONNECTION) if sub.symbol else 0
        links.setdefault(home, []).append(sub)
    return tuple(LinkSpec(f"{name}-{home + 1}" if home else name, tuple(links[home])) for home in sorted(links))


def check(links: Iterable[LinkSpec]) -> None:
    """Raise ConfigError, with the numbers, for connections that Kraken's limits do not allow."""
    links = tuple(links)
    faults = []
    if len(links) > CONNECTIONS:
        symbols = len({sub.symbol for link in links for sub in link.wanted if sub.symbol})
        faults.append(
            f"{symbols} symbols need {len(links)} connections of {SYMBOLS_PER_CONNECTION} symbols each; at most "
            f"{CONNECTIONS} keep below {ATTEMPTS} connection attempts in {ATTEMPT_WINDOW // SECOND // 60} minutes. "
            "Take fewer symbols"
        )
    ordered = [sub for link in links for sub in link.wanted if sub.channel == "level3"]
    units = sum(cost(sub) for sub in ordered)
    if units > LEVEL3_UNITS * LEVEL3_START_S:
        most = LEVEL3_UNITS * LEVEL3_START_S
        fits = ", ".join(f"{most // each} at depth {depth}" for depth, each in LEVEL3_COST.items())
        faults.append(
            f"level3 of {len(ordered)} symbols costs {units:,} units, and Kraken grants an account {LEVEL3_UNITS} a "
            f"second: {-(-units // LEVEL3_UNITS)} s to subscribe, at most {LEVEL3_START_S} s. "
            f"That is {fits} symbols: set $.venue.level3_depth lower or take fewer symbols"
        )
    if faults:
        raise ConfigError(faults)
