"""Child processes that speak one JSON object a line: the embedded exchange, the analyst, the console.

A child ends when its standard input closes, so it never outlives the desk; it ignores Ctrl-C, which is the desk's to
answer. What it writes to standard error goes to a log file in the session's folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from desk.errors import DeskError

PROGRAM = Path(__file__).resolve().parent.parent.parent / "deploy_trading_systems.py"
LINE_LIMIT = 4 << 20
GRACE_S = 5.0
PENDING_LIMIT = 1 << 20  # bytes a slow child may leave unread before pictures are dropped


class Child:
    """One helper process of the desk."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name, self.process, self.log = name, process, log

    @classmethod
    async def start(cls, name: str, args: list[str], log: Path, *, screen: bool = False) -> Child:
        """Start `deploy_trading_systems.py ARGS`; with `screen` its standard output stays the terminal's."""
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(PROGRAM),
                *args,
                stdin=asyncio.subprocess.PIPE,
                stdout=None if screen else asyncio.subprocess.PIPE,
                stderr=errors,
                limit=LINE_LIMIT,
            )
        return cls(name, process, log)

    @classmethod
    async def start_with_keys(cls, name: str, args: list[str], log: Path) -> tuple[Child, asyncio.StreamReader]:
        """Start a child that draws on the terminal and says what was pressed on a pipe, one object a line."""
        ours, theirs = os.pipe()
        try:
            with log.open("ab") as errors:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    str(PROGRAM),
                    *args,
                    "--keys",
                    str(theirs),
                    stdin=asyncio.subprocess.PIPE,
                    stderr=errors,
                    pass_fds=(theirs,),
                )
        finally:
            os.close(theirs)
        keys = asyncio.StreamReader(LINE_LIMIT)
        pipe = os.fdopen(ours, "rb", buffering=0)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(keys), pipe)
        return cls(name, process, log), keys

    def say(self, what: object) -> bool:
        """Send one line; False when it is dropped because the child is gone or slow. Never blocks the desk."""
        pipe = self.process.stdin
        if pipe is None or pipe.is_closing() or pipe.transport.get_write_buffer_size() > PENDING_LIMIT:
            return False
        pipe.write(msgspec.json.encode(what) + b"\n")
        return True

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        """Every object the child says, until it ends."""
        if self.process.stdout is None:
            return
        async for line in self.process.stdout:
            if line.startswith(b"{"):
                yield msgspec.json.decode(line)

    async def first(self, patience_s: float) -> dict[str, Any]:
        """The child's first object; raises DeskError with the end of its log when it does not come."""
        try:
            async with asyncio.timeout(patience_s):
                async for said in self.lines():
                    return said
        except TimeoutError:
            pass
        raise DeskError(f"the {self.name} did not start within {patience_s:.0f} s: {self.last_words()}")

    def last_words(self) -> str:
        """The last line the child wrote to its log."""
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return lines[-1] if lines else "it said nothing"

    async def stop(self) -> None:
        """Close its input, give it time to finish, then end it."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            async with asyncio.timeout(GRACE_S):
                await self.process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
