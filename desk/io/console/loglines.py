"""Without a terminal: one plain line per event, and a health line every few seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from rich.text import Text

from desk.io.console.cells import clean, clock, is_zero
from desk.io.console.health import health, summary
from desk.io.console.words import short
from desk.projections.screen import PositionRow, Screen, SignalRow

T = TypeVar("T")


class LogLines:
    """Turns pictures into lines; only what changed since the last picture, and health every `every_s` seconds."""

    def __init__(self, every_s: float = 5.0) -> None:
        self.every_ns = round(every_s * 1e9)
        self.last: Screen | None = None
        self.spoken = 0  # ns, the last health line

    def lines(self, screen: Screen) -> Iterator[str]:
        """What is new in this picture, each line with its UTC time."""
        before, self.last = self.last, screen
        for line in self._changes(before, screen):
            yield f"{clock(screen.ts)} {line}"
        if before is None or screen.ts - self.spoken >= self.every_ns:
            self.spoken = screen.ts
            yield f"{clock(screen.ts)} health   {_plain(health(screen))}"

    def closing(self) -> Iterator[str]:
        """The last state, readable alone."""
        if self.last is None:
            yield "console: ended before the first picture"
            return
        at = clock(self.last.ts)
        yield f"{at} health   {_plain(health(self.last))}"
        yield f"{at} ended    {_plain(summary(self.last))}"
        total = sum(self.last.refusals.values())
        for code, count in sorted(self.last.refusals.items(), key=lambda item: (-item[1], item[0]))[:5]:
            yield f"{at} refused  {count:,} of {total:,}: {clean(code, 40)} ({clean(short(code), 40)})"

    def _changes(self, before: Screen | None, now: Screen) -> Iterator[str]:
        known = {(book.symbol, book.tier): book.state for book in before.books} if before else {}
        for book in now.books:
            was = known.get((book.symbol, book.tier))
            if was != book.state:
                came = f"{was} → " if was else ""
                yield f"book     {clean(f'{book.symbol} {book.tier} {came}{book.state}')}"
        for name, old, new in (
            ("venue", before.venue_status if before else None, now.venue_status),
            ("breaker", before.breaker if before else None, now.breaker),
            ("journal", before.journal_state if before else None, now.journal_state),
            ("analyst", before.analyst if before else None, now.analyst),
        ):
            if old is not None and old != new:
                yield f"{name:<8} {clean(old) or '–'} → {clean(new) or '–'}"
        for row in fresh(before.signals if before else (), now.signals):
            yield f"signal   {_signal(row)}"
        held = {row.symbol: row.qty for row in before.positions} if before else {}
        for held_now in now.positions:
            was = held.get(held_now.symbol, "")
            if held_now.qty != (was or "0") and not (is_zero(held_now.qty) and is_zero(was or "0")):
                yield f"position {_position(held_now)}"
        for message in fresh(before.messages if before else (), now.messages):
            yield f"message  {clean(message, 400)}"
        for report in fresh(before.reports if before else (), now.reports):
            yield f"report   {clean(report)}"


def fresh(before: tuple[T, ...], now: tuple[T, ...]) -> tuple[T, ...]:
    """What a window that forgets its oldest lines has gained: everything after the longest overlap.

    >>> fresh(("a", "b", "b"), ("b", "b", "c")), fresh(("a",), ("x", "y")), fresh(("a",), ("a",))
    (('c',), ('x', 'y'), ())
    """
    for kept in range(min(len(before), len(now)), 0, -1):
        if before[-kept:] == now[:kept]:
            return now[kept:]
    return now


def _signal(row: SignalRow) -> str:
    score = "–" if row.score is None else f"{row.score:+.1f}"
    order = f" {row.order}" if row.order else ""
    return clean(
        f"{row.symbol}{order} {row.side} entry {row.entry} stop {row.stop} target {row.target} size {row.size} "
        f"score {score} strength {row.strength:.0f} net {row.net_target_bps:+.1f} bps break-even {row.break_even:.0%} "
        f"because {row.reason}",
        400,
    )


def _position(row: PositionRow) -> str:
    net = row.unrealised + row.realised - row.fees
    held = "flat" if is_zero(row.qty) else f"{row.qty} at {row.entry}"
    return clean(f"{row.symbol} {held}, net of fees {net:+.2f}")


def _plain(fields: list[Text]) -> str:
    return " · ".join(field.plain for field in fields)
