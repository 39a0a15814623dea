"""The one decorator of this floor: machine code on first call, cached on disk, typed as the function it was.

No fastmath and no parallel sums anywhere: the same numbers on every run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """`function` compiled by numba; the plain Python stays reachable as `.py_func`."""
    return cast(F, njit(cache=True)(function))
