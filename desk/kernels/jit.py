"""The one decorator of this floor: machine code on first call, cached on disk, typed as the function it was.

No fastmath and no parallel sums anywhere: the same numbers on every run. numba keeps a function's machine code until
its own file changes, but a kernel is also made of what it calls in other files: the cache is therefore one folder for
each state of the whole floor, and code of an older state is never run.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from shutil import rmtree
from typing import Any, TypeVar, cast

import numba
from numba import njit

F = TypeVar("F", bound=Callable[..., Any])
FLOOR = Path(__file__).resolve().parent
CACHES = FLOOR / "__pycache__"
PREFIX = "kernels-"
config = cast(Any, numba).config  # its attributes are made at run time


def state() -> str:
    """A digest of every source file of this floor."""
    digest = blake2b(digest_size=8)
    for source in sorted(FLOOR.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _keep_apart() -> None:
    if config.CACHE_DIR:
        return  # the user's own choice
    folder = CACHES / (PREFIX + state())
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # a read-only checkout: numba finds a place of the user's
    config.CACHE_DIR = str(folder)


def forget_older() -> None:
    """Delete the machine code of earlier states of this floor."""
    for folder in CACHES.glob(PREFIX + "*"):
        if str(folder) != config.CACHE_DIR:
            rmtree(folder, ignore_errors=True)


_keep_apart()


def kernel(function: F) -> F:
    """`function` compiled by numba; the plain Python stays reachable as `.py_func`."""
    return cast(F, njit(cache=True)(function))
