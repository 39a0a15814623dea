"""Who is measured, each module one kind. A contender is a function of its input: it prepares once and returns the work.

`work()` is one repetition, from a fresh state to the last frame; it returns the CPU time a frame in µs as `us`, and as
`final` the checksum of the book it ended with, so that only those who arrived at the same book are compared. Imports
stand inside the contenders: a peer lives in an environment of its own, and a missing one is a reason, not an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Given = dict[str, Any]
Result = dict[str, Any]
Work = Callable[[], Result]
Contender = Callable[[Given], Work]
