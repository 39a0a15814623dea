"""What questions about a recorded session share: its manifest, its instruments, and moments as people write them."""

from __future__ import annotations

import contextlib
import re
from itertools import islice
from pathlib import Path

from desk.errors import ConfigError, DecodeError, JournalError
from desk.events import Answer, Frame, Start
from desk.instrument import Instrument
from desk.io import sessions
from desk.messages import Instruments, Message
from desk.wire.stamps import NS, format_ns, parse_ns
from desk.wire.venues import wire_of

FIRST = 5_000  # entries within which a venue has described its instruments
DAY_NS = 86_400 * NS


def manifest(folder: Path) -> Start:
    """The session's first entry. Raises JournalError when it is something else."""
    first = next(sessions.stream(folder), None)
    if first is None or not isinstance(first.event, Start):
        raise JournalError(f"{folder}: the journal does not begin with a session's manifest")
    return first.event


def instruments(folder: Path, start: Start) -> dict[str, Instrument]:
    """The instruments of a session by key, read from what the venue said first of the symbols."""
    codec = wire_of(start.venue).codec(start.symbols)
    wanted = {f"{symbol}@{start.venue}" for symbol in start.symbols}
    found: dict[str, Instrument] = {}
    for entry in islice(sessions.stream(folder, everything=True), FIRST):
        event, messages = entry.event, list[Message]()
        with contextlib.suppress(DecodeError):
            if isinstance(event, Frame):
                messages = codec.decode(event.data)
            elif isinstance(event, Answer):
                messages = codec.answer(event.call, event.symbol, event.data)
        for message in messages:
            if isinstance(message, Instruments):
                found |= {each.key: each for each in message.instruments if each.key in wanted}
        if len(found) == len(wanted):
            break
    return found


def instrument_key(symbol: str, start: Start) -> str:
    """The instrument a person means: "btc/usdt", "BTC/USDT@kraken", or "btc" where only one symbol begins so.

    Raises ConfigError naming those of the session.
    """
    wanted = symbol.upper().partition("@")[0]
    found = [s for s in start.symbols if s.upper() == wanted]
    found = found or [s for s in start.symbols if s.upper().partition("/")[0] == wanted]
    if len(found) != 1:
        raise ConfigError([f"{symbol}: not a symbol of this session; it has {', '.join(start.symbols)}"])
    return f"{found[0]}@{start.venue}"


def moment(text: str, begin: int) -> int:
    """ns of a moment: "2026-01-05T09:31:02Z", or "09:31", "09:31:02", "09:31:02.5" (UTC), the first such after `begin`.

    Raises ConfigError for anything else.

    >>> begin = parse_ns("2026-01-05T23:00:00Z")
    >>> format_ns(moment("23:31:02.5", begin)), format_ns(moment("00:10", begin), 0)
    ('2026-01-05T23:31:02.500000Z', '2026-01-06T00:10:00Z')
    """
    written = re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?", text)
    try:
        if written is None:
            return parse_ns(text if text.endswith("Z") else f"{text}Z")
        at = parse_ns(f"{format_ns(begin, 0)[:10]}T{text if written[2] else f'{text}:00'}Z")
    except (ValueError, IndexError) as err:
        raise ConfigError([f"--at {text}: write HH:MM, HH:MM:SS or 2026-01-05T09:31:02Z, in UTC"]) from err
    return at if at >= begin - begin % (60 * NS) else at + DAY_NS
