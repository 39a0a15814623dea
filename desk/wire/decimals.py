"""Instruments from number text alone: for venues that write prices and quantities as JSON strings.

A venue that pads its numbers (Binance: "0.35130000") shows its decimals in the first of them; one that does not
(Coinbase: "79944", "79943.9") shows them in a whole snapshot. Integers are only comparable under the same decimals, so
once a book holds some, a number that needs more is refused; the next snapshot is then described with enough of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from desk.errors import FeedError
from desk.instrument import Instrument
from desk.messages import Instruments, Message, Subscription

MAX_DIGITS = 40  # longer numbers are an attack or a bug, never a price
MAX_DECIMALS = 18
MAX_ID = 19  # digits of a 64-bit number
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)


class TooFine(ValueError):
    """A number with more decimals than its instrument has."""


def scaled(text: str, decimals: int) -> int:
    """A number's wire text as an integer of 10**-decimals; exact. Raises TooFine, or ValueError for other text.

    >>> scaled("0.35130000", 8), scaled("79944", 1), scaled("0.0", 0), scaled("5e-05", 8)
    (35130000, 799440, 0, 5000)
    """
    at = len(text) - decimals - 1
    if decimals and 0 < at < MAX_DIGITS and text[at] == ".":  # all its decimals written, as most are
        digits = text[:at] + text[at + 1 :]
        if digits.isdigit() and digits.isascii():
            return int(digits)
    whole, point, fraction = text.partition(".")
    digits = whole + fraction
    if not (
        digits.isdigit() and digits.isascii() and whole and len(digits) <= MAX_DIGITS and bool(point) == bool(fraction)
    ):
        whole, fraction = _plain(text)
        digits = whole + fraction
    short = decimals - len(fraction)
    if short >= 0:
        return int(digits + "0" * short)
    if fraction[decimals:].strip("0"):
        raise TooFine(f"{text} has more than {decimals} decimals")
    return int(whole + fraction[:decimals])


def decimals_of(text: str) -> int:
    """The decimals a number shows, trailing zeros included; ValueError for what is no number.

    >>> decimals_of("0.35130000"), decimals_of("79944"), decimals_of("1e-8")
    (8, 0, 8)
    """
    if not _NUMBER.fullmatch(text) or len(text) > MAX_DIGITS or "e" in text or "E" in text:
        return len(_plain(text)[1])
    return len(text.partition(".")[2])


def _plain(text: str) -> tuple[str, str]:
    """(whole digits, fraction digits) of a number written any other way; ValueError for what is none."""
    if len(text) > MAX_DIGITS or not _NUMBER.fullmatch(text):
        raise ValueError(f"not a price or quantity: {text[:MAX_DIGITS]!r}")
    value = Decimal(text)
    if not -MAX_DIGITS <= value.adjusted() <= MAX_DIGITS:
        raise ValueError(f"not a price or quantity: {text!r}")
    whole, _, fraction = f"{value:f}".partition(".")
    return whole, fraction


def number_of(text: str) -> int:
    """A count written as text ("1069726293"); int() alone would take "1_0", " 7" and Arabic digits.

    >>> number_of("1069726293")
    1069726293
    """
    if not (text.isdigit() and text.isascii() and len(text) <= MAX_ID):
        raise ValueError(f"not a number: {text[:MAX_DIGITS]!r}")
    return int(text)


class Pairs:
    """What one connection knows of its symbols: the venue's names for them, and their decimals.

    `native` turns a symbol ("BTC/USDT") into the venue's name ("BTCUSDT"); a name nobody announced is its own symbol.
    No instrument gets fewer decimals (of a price, of a quantity) than `least`.
    """

    def __init__(
        self, venue: str, native: Callable[[str], str], symbols: Iterable[str], least: tuple[int, int] = (0, 0)
    ) -> None:
        self.venue, self.native, self.least = venue, native, least
        self.instruments: dict[str, Instrument] = {}  # by symbol
        self._symbols = {native(symbol): symbol for symbol in symbols}
        self._held: set[str] = set()  # symbols whose book holds integers
        self._wanted: dict[str, tuple[int, int]] = {}  # decimals that a refused number had

    def announce(self, wanted: Iterable[Subscription]) -> None:
        """Remember these symbols under the venue's names."""
        self._symbols.update({self.native(each.symbol): each.symbol for each in wanted if each.symbol})

    def symbol(self, name: str) -> str:
        """The symbol behind the venue's name."""
        return self._symbols.get(name, name)

    def known(self, name: str) -> Instrument | None:
        """The instrument of a venue's name, if its decimals are known."""
        return self.instruments.get(self.symbol(name))

    def held(self, name: str) -> Instrument | None:
        """The instrument of a venue's name, if its book holds integers: then its decimals stand."""
        symbol = self._symbols.get(name, name)
        return self.instruments[symbol] if symbol in self._held else None

    def describe(
        self, name: str, pxs: Sequence[str], qtys: Sequence[str], made: list[Message], *, book: bool, anew: bool = False
    ) -> Instrument:
        """The instrument that these numbers belong to; a new or finer one is put into `made` before their message.

        `book`: the numbers stay in a book; `anew`: they replace all that is in it. Raises ValueError for numbers finer
        than a book that holds others, and for a name that showed none.
        """
        symbol = self.symbol(name)
        inst = self.instruments.get(symbol)
        if inst is None or anew or symbol not in self._held:
            if not (name and pxs and qtys) and inst is None:
                raise ValueError(f"{name or 'a message without a symbol'}: no numbers to take its decimals from")
            px, qty = max(map(decimals_of, pxs), default=0), max(map(decimals_of, qtys), default=0)
            more = self._wanted.pop(symbol, self.least)
            px, qty = (
                max(px, more[0], inst.px_decimals if inst else 0),
                max(qty, more[1], inst.qty_decimals if inst else 0),
            )
            if max(px, qty) > MAX_DECIMALS:
                raise ValueError(f"{name}: {px} and {qty} decimals, at most {MAX_DECIMALS} are possible")
            if inst is None or (px, qty) != (inst.px_decimals, inst.qty_decimals):
                inst = Instrument(symbol, self.venue, px, qty)
                self.instruments[symbol] = inst
                made.append(Instruments((inst,)))
        if book:
            self._held.add(symbol)
        return inst

    def exact(self, inst: Instrument, pairs: Sequence[tuple[str, str]]) -> tuple[tuple[int, int], ...]:
        """(price, quantity) texts as (ticks, lots), in wire order; ValueError when one is finer than the instrument."""
        pd, qd = inst.px_decimals, inst.qty_decimals
        try:
            return tuple([(scaled(px, pd), scaled(qty, qd)) for px, qty in pairs])
        except TooFine as err:
            px_needs, qty_needs = (max(map(decimals_of, texts)) for texts in zip(*pairs, strict=True))
            self._wanted[inst.symbol] = min(px_needs, MAX_DECIMALS), min(qty_needs, MAX_DECIMALS)
            raise ValueError(f"{inst.symbol}: {err}; its next snapshot will be read with more") from err

    def levels(self, inst: Instrument, levels: Sequence[tuple[str, str]]) -> tuple[tuple[int, int], ...]:
        """Levels of a book or prints of a tape: exact, and none of them at price 0."""
        made = self.exact(inst, levels)
        if any(not px for px, _ in made):
            raise ValueError(f"{inst.symbol}: a price of 0")
        return made


def channel_name(venue: str, channels: dict[str, str], sub: Subscription) -> str:
    """The venue's name of a channel; raises FeedError, naming what there is, for one it does not offer."""
    name = channels.get(sub.channel)
    if name is None:
        raise FeedError(f"{venue} has no channel {sub.channel!r} for {sub.symbol}; choose one of {', '.join(channels)}")
    return name
