"""A ping's number is its send time: the answer carries it back, so that a journal of frames alone times every round.

Microseconds since 1970 UTC modulo 2³¹: fits whatever integer a venue keeps a request's number in, and names one moment
within 35 minutes.
"""

from __future__ import annotations

MICRO = 1_000
WRAP = 1 << 31
LONGEST = 60_000_000_000  # ns: an answer later than this is none to a ping of ours


def ping_number(sent: int) -> int:
    """The number of a ping sent at `sent` ns.

    >>> ping_number(1_785_644_622_847_625_999)
    1232117385
    """
    return sent // MICRO % WRAP


def sent_at(number: int, ts: int) -> int | None:
    """When the ping was sent (ns, to the microsecond below) whose answer came at `ts` ns.

    None for a number that no ping of the last minute had: somebody else's, or none at all.

    >>> sent_at(1232117385, ts=1_785_644_622_879_000_000), sent_at(7, ts=1_785_644_622_879_000_000)
    (1785644622847625000, None)
    """
    now = ts // MICRO
    sent = (now - (now - number) % WRAP) * MICRO
    return sent if 0 <= number < WRAP and ts - sent <= LONGEST else None
