"""What every venue's wire format offers: requests as bytes, frames as messages. Pure."""

from __future__ import annotations

from typing import Protocol

from desk.messages import Ack, Message, Subscription


class Codec(Protocol):
    """One venue's wire format. It may remember precisions, and nothing else.

    `proof` says what vouches for this venue's books: "checksum" (of the book, in its messages), "updates" (numbers of
    one symbol's updates, joined to a REST snapshot), "frames" (numbers of a connection's frames), or "" for nothing.
    """

    proof: str
    quiet: bytes
    """How frames begin that hold no answer to a request, so that a session need not read them; b"": no way to say."""

    def subscribe(self, wanted: list[Subscription], token: str, req_id: int) -> list[bytes]: ...

    def unsubscribe(self, wanted: list[Subscription], token: str, req_id: int) -> list[bytes]: ...

    def ping(self, req_id: int) -> bytes: ...

    def control(self, raw: bytes) -> Ack | None:
        """The acknowledgement in this frame, if it is one: all a session needs to read."""
        ...

    def answer(self, call: str, symbol: str, raw: bytes) -> list[Message]:
        """The messages of a REST answer; raises DecodeError with the venue's words when it is an error."""
        ...

    def decode(self, raw: bytes) -> list[Message]:
        """Every message of a frame; raises DecodeError for bytes that are not the protocol."""
        ...
