"""The event loop of a run, and what ends it from outside: Ctrl-C and SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Coroutine
from typing import Any


def stop_signal() -> asyncio.Event:
    """Set by Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no loop signal handlers
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def start(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on uvloop where there is one.

    libuv would prepare io_uring for file operations that we leave to threads: a kernel thread that polls for 10 ms on
    our core whenever a loop begins. The user's own choice of UV_USE_IO_URING stays.
    """
    os.environ.setdefault("UV_USE_IO_URING", "0")
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)
