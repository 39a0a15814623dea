"""How much of the time the connections were up, counted from each one's first moment: a start is not an outage."""

from __future__ import annotations


class Links:
    """`count` connections, numbered from 0; times in ns, never running backwards.

    >>> links = Links(2)
    >>> links.up(0, 10); links.up(1, 10); links.down(1, 30)
    >>> links.up_pct(50), Links(1).up_pct(50)
    (75.0, 0.0)
    """

    def __init__(self, count: int) -> None:
        self._first: dict[int, int] = {}
        self._since: dict[int, int] = {}  # of those that are down
        self._down = dict.fromkeys(range(count), 0)

    def up(self, link: int, now: int) -> None:
        """It is connected."""
        self._first.setdefault(link, now)
        if (since := self._since.pop(link, None)) is not None:
            self._down[link] += now - since

    def down(self, link: int, now: int) -> None:
        """It is gone, or still is."""
        if link in self._first:
            self._since.setdefault(link, now)

    def up_pct(self, now: int) -> float:
        """Mean share of time that each connection was up since it first was; one that never was counts as 0."""
        shares = []
        for link, down in self._down.items():
            first = self._first.get(link)
            if first is None:
                shares.append(0.0)
                continue
            away = down + now - self._since.get(link, now)
            shares.append(1.0 - away / max(1, now - first))
        return 100.0 * sum(shares) / len(shares) if shares else 0.0
