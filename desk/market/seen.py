"""What watching a market may lead to, besides the market itself: a word to a person, a question to the venue."""

from __future__ import annotations

import msgspec


class Word(msgspec.Struct, frozen=True, gc=False):
    """Something a person should know."""

    level: str
    code: str
    text: str


class BookChanged(msgspec.Struct, frozen=True, gc=False):
    """A book moved and is proven; its score, if there is one, is new."""

    inst: str


class Ask(msgspec.Struct, frozen=True, gc=False):
    """A question for the venue's REST about one instrument, see desk.intents.Fetch."""

    call: str
    inst: str
    since: int = 0
    count: int = 0
