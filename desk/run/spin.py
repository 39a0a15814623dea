"""Busy polling: the loop asks for frames without sleeping, because waking an idle core costs more than all the rest.

A callback that arms itself again keeps the loop's list of ready work filled, so the poll for sockets returns at once:
asyncio calls its selector with timeout 0, uvloop keeps an idle handle active and libuv polls with timeout 0. Everything
else of the loop goes on as always: each round still serves due timers, standard input and other sockets, and other
threads get the interpreter after its switch interval. One core is busy for as long as it lasts.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

CORES = 2  # one spins; the exchange, the analyst, the recorder and the console need another
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # "max 100000", or µs of processor time in a period of so many µs


def cores(quota: Path = QUOTA) -> float:
    """Processor cores this process may use: the machine's, or fewer by its affinity or a container's quota."""
    held = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    try:
        allowed, _, period = quota.read_text().partition(" ")
        return min(held, int(allowed) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return held  # no quota, or no such file


def refusal(available: float) -> str:
    """Why busy polling is not possible with so many cores, "" if it is.

    >>> refusal(2.0), refusal(1.0)[:41]
    ('', '--spin keeps one core busy and needs 2; t')
    """
    if available >= CORES:
        return ""
    return (
        f"--spin keeps one core busy and needs {CORES}; this process may use {available:g}. "
        f"Leave it out, or run on a machine with {CORES} cores"
    )


class Spin:
    """Keeps the running loop from sleeping, from `start` to `stop`."""

    def __init__(self) -> None:
        self.rounds = 0
        self._handle: asyncio.Handle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._again()

    def stop(self) -> None:
        """The loop may sleep again."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._loop = None

    def _again(self) -> None:
        if self._loop is not None:
            self.rounds += 1
            self._handle = self._loop.call_soon(self._again)
