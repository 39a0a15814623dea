"""The error tree: what went wrong, where, and whether asking again can help.

    DeskError
    ├─ ConfigError                     where: "$.risk.per_trade_pct"
    ├─ FeedError
    │   ├─ DecodeError                 the venue sent bytes that are not its protocol
    │   ├─ GapError                    a sequence has a hole
    │   └─ ChecksumError               our book is not the venue's
    ├─ JournalError                    a record is damaged where no torn tail explains it
    ├─ VenueError
    │   ├─ Retryable                   timeout, rate limit, maintenance: the same call may work later
    │   └─ Final                       funds, bad order, permission: the same call will fail again
    └─ SafetyError                     going live without a permit

An exception means that our promise broke or that the edge failed. What an exchange says about an order is an event.
"""

from __future__ import annotations


class DeskError(Exception):
    """Anything this project raises on purpose; the message names place, value and fix."""


class ConfigError(DeskError):
    """One or more faults in the configuration, each with the path of its key.

    >>> print(ConfigError(["$.risk.x: unknown key"]))
    $.risk.x: unknown key
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class FeedError(DeskError):
    """Market data cannot be used as it came."""


class DecodeError(FeedError):
    """Bytes that are not the venue's protocol. `raw` is kept for the quarantine, cut to 200 bytes in the message."""

    def __init__(self, why: str, raw: bytes = b"") -> None:
        super().__init__(f"{why}: {raw[:200]!r}" if raw else why)
        self.why, self.raw = why, raw


class GapError(FeedError):
    """A numbered stream lost messages."""

    def __init__(self, inst: str, expected: int, got: int) -> None:
        super().__init__(f"{inst}: expected sequence {expected}, received {got}")
        self.inst, self.expected, self.got = inst, expected, got


class ChecksumError(FeedError):
    """Our book's CRC32 differs from the venue's."""

    def __init__(self, inst: str, ours: int, theirs: int) -> None:
        super().__init__(f"{inst}: our checksum {ours}, the venue's {theirs}")
        self.inst, self.ours, self.theirs = inst, ours, theirs


class JournalError(DeskError):
    """A damaged journal that a torn tail does not explain; nothing is skipped silently."""


class VenueError(DeskError):
    """A venue could not be asked, or refused."""


class Retryable(VenueError):
    """The same call may work later."""


class Final(VenueError):
    """The same call will fail again."""


class SafetyError(DeskError):
    """Something tried to go live without a permit."""
