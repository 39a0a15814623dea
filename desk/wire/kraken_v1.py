"""Kraken's first WebSocket protocol, read only: what recordings from before 2024 hold. The desk itself speaks v2.

    [1360,{"as":[["0.000022900","13355.87450757","1618678123.481570"],…],"bs":[…]},"book-1000","ADA/XBT"]     snapshot
    [1360,{"b":[["0.000022870","15111.78357373","1618678135.948050"]],"c":"798704289"},"book-1000","ADA/XBT"]
    [1360,{"a":[…]},{"b":[…],"c":"798704289"},"book-1000","ADA/XBT"]                      both sides, one checksum
    {"channelID":1360,"channelName":"book-1000","event":"subscriptionStatus","pair":"ADA/XBT","status":"subscribed",…}

A level is [price, quantity, time] and, where it comes back into the depth, "r". The checksum is that of v2, over the
digits of v1's text. Names are the desk's: XBT is BTC, XDG is DOGE. Other channels give no message.
"""

from __future__ import annotations

from typing import Any

import msgspec

from desk.errors import DecodeError
from desk.instrument import Instrument
from desk.messages import Ack, BookUpdate, Heartbeat, Instruments, Message, VenueStatus
from desk.wire.decimals import decimals_of, number_of, scaled

NAMES = {"XBT": "BTC", "XDG": "DOGE"}
NS = 9  # decimals of a second


class KrakenV1Codec:
    """One connection's worth of v1. An instrument's decimals are those its first snapshot shows.

    >>> codec = KrakenV1Codec()
    >>> codec.decode(b'[1,{"as":[["9.20","1.50","1.0"]],"bs":[["9.10","2.00","1.5"]]},"book-10","XBT/USD"]')[1].asks
    ((920, 150),)
    """

    def __init__(self, venue: str = "kraken") -> None:
        self.venue = venue
        self.instruments: dict[str, Instrument] = {}

    def decode(self, raw: bytes) -> list[Message]:
        """Every message of one frame; raises DecodeError for what is not v1."""
        try:
            said = msgspec.json.decode(raw)
            if isinstance(said, dict):
                return self._event(said)
            *_, channel, pair = said
            if not channel.startswith("book-"):
                return []
            return self._book(_symbol(pair), {key: rows for part in said[1:-2] for key, rows in part.items()})
        except (msgspec.MsgspecError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as err:
            raise DecodeError(f"not a frame of Kraken's v1: {err}", raw) from err

    def _event(self, said: dict[str, Any]) -> list[Message]:
        event = said["event"]
        if event == "heartbeat":
            return [Heartbeat()]
        if event == "systemStatus":
            return [VenueStatus(said["status"])]
        if event == "subscriptionStatus":
            channel, _, depth = said.get("channelName", "").partition("-")
            good = said["status"] == "subscribed"
            return [
                Ack(
                    "subscribe" if good else said["status"],
                    channel,
                    _symbol(said.get("pair", "")),
                    good,
                    said.get("errorMessage", ""),
                    int(depth) if channel == "book" else 0,
                )
            ]
        return []

    def _book(self, symbol: str, parts: dict[str, Any]) -> list[Message]:
        snapshot = "as" in parts or "bs" in parts
        made: list[Message] = []
        inst = self.instruments.get(symbol)
        rows = [row for key in ("as", "bs", "a", "b") for row in parts.get(key, ())]
        if inst is None:
            px_decimals, qty_decimals = (max(decimals_of(row[i]) for row in rows) for i in (0, 1))
            inst = self.instruments[symbol] = Instrument(symbol, self.venue, px_decimals, qty_decimals)
            made.append(Instruments((inst,)))
        sides = {
            side: tuple(
                (scaled(row[0], inst.px_decimals), scaled(row[1], inst.qty_decimals))
                for row in parts.get(side + "s" if snapshot else side, ())
            )
            for side in "ba"
        }
        checksum = number_of(parts["c"]) if "c" in parts else None
        latest = max((scaled(row[2], NS) for row in rows), default=0)
        return [*made, BookUpdate(inst.key, sides["b"], sides["a"], snapshot, checksum, latest)]


def _symbol(pair: str) -> str:
    """The desk's name of a pair.

    >>> _symbol("XBT/USD"), _symbol("ADA/XBT")
    ('BTC/USD', 'ADA/BTC')
    """
    return "/".join(NAMES.get(name, name) for name in pair.split("/"))
