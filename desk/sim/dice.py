"""The dice of the simulated market: one independent stream of random numbers for each purpose, all from one seed."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def stream(seed: int, *key: int | str) -> np.random.Generator:
    """The random numbers of one purpose: independent of every other key's, the same for the same seed."""
    words = tuple([crc32(word.encode()) if isinstance(word, str) else word for word in key])
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=words)))


class Dice:
    """Single random numbers from blocks: a list's pop is many times faster than a Generator's call."""

    __slots__ = ("_rng", "_u", "_z")

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._u: list[float] = []
        self._z: list[float] = []

    def uniform(self) -> float:
        """In [0, 1)."""
        if not self._u:
            self._u = self._rng.random(2048).tolist()
        return self._u.pop()

    def normal(self) -> float:
        """Mean 0, standard deviation 1."""
        if not self._z:
            self._z = self._rng.standard_normal(1024).tolist()
        return self._z.pop()
