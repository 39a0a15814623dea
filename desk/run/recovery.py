"""What a crash left behind: found at the next start, read from its journal, and taken over into the new session.

    the last session of this venue without a summary, whose process is gone
      → every checksum of its journal proven, its torn tail cut, a damaged middle refused
      → its last checkpoint, and what its journal holds after it (orders sent since are in doubt)
      → where it is short and of this version: replayed, every answer compared
      → its orders reconciled with the venue; a paper venue ends with its process, and its orders with it
      → the handover goes into the first entry of the new session, which replays from its own journal alone

When anything differs from what was expected, a person decides: no entries until `./run rearm --why …`. A recovery sends
nothing: no order, no cancel, no command of the old journal.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec

from desk.engine import Engine
from desk.errors import JournalError
from desk.events import Accepted, Command, Ended, Event, Sent, Start, Unknown
from desk.handover import Handover, Position, Working
from desk.intents import Checkpoint, Submit
from desk.io import latch
from desk.io.journal import JOURNAL, SUMMARY, Unfinished, manifest, unfinished
from desk.portfolio.orders import Order, State, working
from desk.portfolio.portfolio import ZERO, Portfolio
from desk.run.clock import now_ns
from desk.run.replay import replay
from desk.run.version import version
from desk.wire.stamps import format_ns

REPLAYED = 20_000  # entries; beyond, the checkpoint is believed, and `./run replay SESSION --verify` proves the rest
GONE = "cancelled: the paper venue ended with its process"
TEXT, DATA = "recovery.txt", "recovery.json"
SPOKEN = {Sent: State.SENT, Accepted: State.OPEN, Unknown: State.UNKNOWN}  # what changes an order and not the money
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, what follows from it, and why a person must decide. `entries` are those of the whole journal."""

    session: str
    handover: Handover
    entries: int
    torn_bytes: int
    checkpoint_seq: int
    last_seq: int
    proof: str
    orders: tuple[Working, ...]
    holdings: tuple[str, ...]
    differences: tuple[str, ...]
    took_ms: float

    def events(self, now: int) -> list[Event]:
        """What the new session is told right after its start."""
        said: list[Event] = [Ended(now, order.order_id, GONE) for order in self.orders]
        if self.differences:
            said.append(Command(now, "halt", f"recovery: {'; '.join(self.differences)}"))
        return said


def recover(sessions: Path, venue: str, symbols: tuple[str, ...], build: Callable[[Start], Engine]) -> Recovery | None:
    """Find and read what a crash left, for a new session of this venue; None when nothing was left.

    Raises JournalError for a journal that is damaged in its middle, with the way on.
    """
    began = now_ns()
    try:
        left = find(sessions, venue)
    except JournalError as err:
        raise JournalError(f"{err}. To leave that session as it is and begin with a new account: --fresh") from err
    if left is None:
        return None
    earlier, checkpoint_seq = fold(left)
    latched = latch.read(sessions)
    if earlier.halted and latched.rearms_since(left.last[-1].event.ts):
        earlier = msgspec.structs.replace(earlier, halted="", halted_why="")  # a person re-armed since
    differences, proof = prove(left, build)
    differences += unwatched(earlier, venue, symbols) + sums(earlier)
    return Recovery(
        session=left.folder.name,
        handover=earlier,
        entries=left.entries,
        torn_bytes=left.torn,
        checkpoint_seq=checkpoint_seq,
        last_seq=left.last[-1].seq,
        proof=proof,
        orders=earlier.orders,
        holdings=tuple(holding(p, earlier) for p in earlier.positions if p.qty),
        differences=tuple(differences),
        took_ms=(now_ns() - began) / 1e6,
    )


def find(sessions: Path, venue: str) -> Unfinished | None:
    """The newest session of this venue, if its process is gone and it never ended."""
    for folder in sorted((path.parent for path in sessions.glob(f"*/{JOURNAL}")), reverse=True):
        start = manifest(folder)
        if start is not None and (start.venue != venue or not start.session):
            continue  # another market, or one in a time of its own
        ended = (folder / SUMMARY).exists()
        left = None if ended else unfinished(folder)
        if left is not None or start is not None:
            return left  # the newest decides: ended, still running, or left behind
    return None


def fold(left: Unfinished) -> tuple[Handover, int]:
    """The handover at the last checkpoint with what the journal says of orders after it, and that checkpoint's seq."""
    point = next((e for e in left.last[0].effects if isinstance(e, Checkpoint)), None)
    if point is None:
        raise JournalError(f"{left.folder}: holds no checkpoint; it is of an older version")
    at, earlier = point.cause, point.handover
    orders = {order.order_id: order for order in earlier.orders}
    for entry in left.last:
        for effect in entry.effects:
            if isinstance(effect, Checkpoint) and effect.cause > at:  # those in the reserve
                at, earlier = effect.cause, effect.handover
                orders = {order.order_id: order for order in earlier.orders}
            elif isinstance(effect, Submit) and effect.cause > at:
                orders[effect.order_id] = working(Order(effect.order_id, effect.place, effect.seat))
        state = SPOKEN.get(type(entry.event))
        if state is not None and entry.event.order_id in orders:  # type: ignore[union-attr]  # SPOKEN's have one
            found = orders[entry.event.order_id]  # type: ignore[union-attr]
            orders[found.order_id] = msgspec.structs.replace(found, state=state)
    return msgspec.structs.replace(earlier, orders=tuple(orders.values())), at


def prove(left: Unfinished, build: Callable[[Start], Engine]) -> tuple[list[str], str]:
    """Replay a short session of this version: (differences, what was proven in words)."""
    start = left.first.event
    if not isinstance(start, Start) or start.version != version():
        return [], "not replayed: recorded by another version of this program"
    if left.entries > REPLAYED:
        return [], f"not replayed: longer than {REPLAYED:,} entries; every checksum is right"
    result = replay(left.folder, build)
    if result["equal"]:
        return [], f"replayed: every answer of {result['compared']:,} entries is the recorded one"
    return [f"{result['differences']} recorded answers differ in a replay"], "replayed: DIFFERS"


def unwatched(earlier: Handover, venue: str, symbols: tuple[str, ...]) -> list[str]:
    """Positions in what this run does not see: nobody could value them, or leave them."""
    seen = {f"{symbol}@{venue}" for symbol in symbols}
    text = "is held and not watched by this run; start it with that symbol too"
    return [f"{inst} {text}" for inst in earlier.held if inst not in seen]


def sums(earlier: Handover) -> list[str]:
    """What does not add up: cash is start + fills − fees, each asset's ledger is zero, seats hold the positions."""
    books = Portfolio(ZERO, {})
    books.restore(earlier)
    try:
        books.check()
    except AssertionError as err:
        return [f"the books do not add up: {err}"]
    whose: dict[str, int] = {}
    for _, inst, lots in earlier.seats:
        whose[inst] = whose.get(inst, 0) + lots
    return [
        f"{inst}: the strategies hold {whose.get(inst, 0)} lots of {lots}"
        for inst, lots in earlier.held.items()
        if whose.get(inst, 0) != lots
    ]


def holding(p: Position, earlier: Handover) -> str:
    """One position in words, with the plan to leave it."""
    quantity = Decimal(p.qty).scaleb(-p.qty_decimals)
    plan = next((plan for plan in earlier.exits if plan.inst == p.inst), None)
    entry = f"{Decimal(abs(p.cost)).scaleb(-p.decimals) / abs(quantity):.{p.px_decimals}f}"
    if plan is None:
        return f"{p.inst} {quantity:f} at {entry}: no plan was kept, it is left at once"
    stop, target = (f"{Decimal(ticks).scaleb(-p.px_decimals):f}" for ticks in (plan.stop, plan.target))
    return f"{p.inst} {quantity:f} at {entry}: stop {stop}, target {target}, until {format_ns(plan.deadline, 0)}"


def describe(found: Recovery) -> list[str]:
    """The recovery report, line by line."""
    cash = ", ".join(f"{amount:.2f} {quote}" for quote, amount in found.handover.cash.items())
    torn = f", {found.torn_bytes} torn bytes cut off its end" if found.torn_bytes else ", no torn tail"
    return [
        f"RECOVERY: {found.session} did not end; its account goes on here (--fresh begins a new one)",
        f"  journal    {found.entries:,} entries to seq {found.last_seq:,}{torn}; checkpoint at seq"
        f" {found.checkpoint_seq:,}; {found.proof}; {found.took_ms:.0f} ms",
        f"  account    cash {cash}; {found.handover.fills} fills, {found.handover.trades} closed trades",
        *(f"  position   {text}" for text in found.holdings or ("none",)),
        *(f"  order      {o.order_id} {o.side.name} was {o.state}: {GONE}" for o in found.orders),
        *([f"  latch      {found.handover.halted_why}"] if found.handover.halted else []),
        *(f"  DIFFERENCE {text}" for text in found.differences),
        '  decision   NO ENTRIES until you looked at it: ./run rearm --why "…"'
        if found.differences
        else "  decision   none needed: nothing differs, entries are allowed",
    ]


def keep(found: Recovery, folder: Path) -> None:
    """The report beside the new session's journal, for people and for programs."""
    (folder / TEXT).write_text("\n".join(describe(found)) + "\n")
    (folder / DATA).write_bytes(msgspec.json.format(msgspec.json.encode(found)))


def session_prefix(ts: int) -> str:
    """What begins the ids of a session's orders: its start in ms since 1970, in base 36.

    >>> session_prefix(1_795_000_000_000_000_000)
    'mwm0nk74'
    """
    left, text = ts // 1_000_000, ""
    while left:
        left, digit = divmod(left, 36)
        text = DIGITS[digit] + text
    return text
