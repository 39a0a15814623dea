"""The exchange as a process: its first line, its last breath, and what it says when it cannot start."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from shared import ROOT
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.e2e


async def child(*arguments: str, **options: Any) -> asyncio.subprocess.Process:
    program = "import sys; from pathlib import Path; from desk.run.exchange import run_exchange"
    code = f"{program}; sys.exit(run_exchange({', '.join(arguments)}))"
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, **options,
    )  # fmt: skip


async def test_a_child_says_one_line_ignores_ctrl_c_and_ends_with_its_parent() -> None:
    """Breaks the desk's own start: it reads this line, and must not leave an exchange running behind it."""
    process = await child("child=True", "symbols=('BTC/USD',)")
    assert process.stdout is not None
    assert process.stdin is not None
    ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
    assert ready["ready"] is True
    assert ready["ws"] == f"ws://127.0.0.1:{ready['port']}/v2"
    assert ready["rest"] == f"http://127.0.0.1:{ready['port']}"
    assert ready["key"] and ready["secret"]  # noqa: PT018 - both, or neither is of use
    process.send_signal(signal.SIGINT)
    async with connect(ready["ws"]) as client:
        assert b'"channel":"status"' in await asyncio.wait_for(client.recv(decode=False), 5)
        process.stdin.close()
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.recv(), 5)
    assert await asyncio.wait_for(process.wait(), 5) == 0
    assert await process.stdout.read() == b""
    assert process.stderr is not None
    assert await process.stderr.read() == b""


async def test_a_port_in_use_is_one_line_with_the_way_out() -> None:
    """Breaks the commonest start that fails: two desks on one machine."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = await child(f"port={port}")
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out) == (2, b"")
    assert err.decode().splitlines() == [
        f"exchange: port {port} on 127.0.0.1 is in use by another program. "
        "Choose another with --port N, or --port 0 for any free one"
    ]


async def test_a_person_is_told_what_runs_and_ctrl_c_ends_it() -> None:
    """Breaks the verb `exchange`: a person must see that nothing of this is real, and where to connect."""
    process = await child("seed=3", "symbols=('BTC/USD',)")
    assert process.stdout is not None
    lines = b""
    while b"Ctrl-C" not in lines:
        lines += await asyncio.wait_for(process.stdout.readline(), 60)
    for word in ("SIMULATED", "free of fees", "seed 3", "ws://127.0.0.1:", "BTC/USD", "demo key", "secret"):
        assert word in lines.decode()
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 5) == 0


async def test_a_recording_that_cannot_be_served_is_one_line(tmp_path: Path) -> None:
    """Breaks the way out of a wrong path or a recording of another venue."""
    (tmp_path / "foreign.frames.gz").write_bytes(b'1\t<\t{"e":"depthUpdate"}\n')
    for name, reason in (("foreign.frames.gz", "no Kraken v2 market data"), ("none.frames.gz", "cannot be read")):
        process = await child(f"frames=Path({str(tmp_path / name)!r})", "child=True")
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 2
        assert reason in err.decode()
        assert len(err.splitlines()) == 1
        assert json.loads(out)["ready"] is False
