"""Order ids in Kraken's form, "OXXXXX-XXXXX-XXXXXX", made from a counter.

The counter is scrambled by steps that can be undone (odd multiplication and shifts within 80 bits), so ids look random
and no two are alike, without remembering any.
"""

from __future__ import annotations

from zlib import crc32

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
PAIRS = tuple([a + b for a in ALPHABET for b in ALPHABET])  # 10 bits at a time
MASK = (1 << 80) - 1


class OrderIds:
    """The ids of one instrument; seed and symbol choose the sequence.

    >>> ids = OrderIds("BTC/USD", seed=7)
    >>> [ids.next() for _ in range(2)]
    ['OCR5ZX-WG4LQ-ANRPGB', 'O4GE7I-QU5N6-CTWJTL']
    """

    __slots__ = ("_at", "_step")

    def __init__(self, symbol: str, seed: int) -> None:
        start = crc32(f"{seed}/{symbol}".encode())
        self._at = (start * 0xD1B54A32D192ED03 + 0x5851F42D4C957F2D14057) & MASK
        self._step = (0x9E3779B97F4A7C15F39D + (start << 1)) & MASK  # odd: visits every value before it repeats

    def next(self) -> str:
        """An id that was not given before."""
        self._at = x = (self._at + self._step) & MASK
        x ^= x >> 41
        x = (x * 0xBF58476D1CE4E5B9) & MASK
        x ^= x >> 37
        p = PAIRS
        a = f"{p[x >> 70]}{p[x >> 60 & 1023]}{p[x >> 50 & 1023]}"
        b = f"{p[x >> 40 & 1023]}{p[x >> 30 & 1023]}{p[x >> 20 & 1023]}{p[x >> 10 & 1023]}{p[x & 1023]}"
        return f"O{a[:5]}-{a[5]}{b[:4]}-{b[4:]}"
