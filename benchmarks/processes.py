"""The processes of a benchmark: its contenders, and the exchange that serves them all."""

from __future__ import annotations

import json
import os
import platform
import select
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.contenders.measure import ROOT
from benchmarks.rows import PEERS, Entry

PACKAGES = (
    "ccxt",
    "python-kraken-sdk",
    "picows",
    "uvloop",
    "websockets",
    "aiohttp",
    "numba",
    "msgspec",
    "numpy",
    "pandas",
    "pandas-ta-classic",
)
APART = ("nautilus_trader", "order-book", "TA-Lib")
PATIENCE_S = 60.0  # for one repetition
TELL = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"


def peers_python() -> str:
    """The interpreter of the peers' environment; ours where there is none."""
    found = [ROOT / PEERS / place for place in ("bin/python", "Scripts/python.exe")]
    return str(next((python for python in found if python.exists()), sys.executable))


def versions() -> dict[str, Any]:
    """The machine and what is measured on it."""
    said: dict[str, Any] = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    for name in PACKAGES:
        try:
            said[name] = version(name)
        except PackageNotFoundError:
            said[name] = "not installed"
    for name in APART:
        told = subprocess.run([peers_python(), "-c", TELL, name], capture_output=True, text=True, check=False)
        said[name] = told.stdout.strip() or "not installed"
    return said


def _processor() -> str:
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


class Contending:
    """One contender's process, see benchmarks.worker."""

    def __init__(self, group: int, number: int, entry: Entry, given: dict[str, Any]) -> None:
        self.entry = entry
        self.said: list[dict[str, Any]] = []
        self._stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed with us; peers would fill a pipe
        self._process = subprocess.Popen(
            [peers_python() if entry.apart else sys.executable, "-m", "benchmarks.worker", str(group), str(number)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        self._ready = False
        self._say(json.dumps(given))

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError:
            return  # it died: there will be no answer

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        if os.name != "nt" and not select.select([self._process.stdout], [], [], PATIENCE_S)[0]:
            return {"missing": f"no answer within {PATIENCE_S:.0f} s"}
        line = self._process.stdout.readline()
        heard: dict[str, Any] = json.loads(line) if line else {"missing": self._why()}
        return heard

    def _why(self) -> str:
        self._process.wait(10)
        self._stderr.seek(0)
        words = self._stderr.read().strip().splitlines()
        return words[-1][:160] if words else "it ended without a word"

    def repeat(self) -> None:
        """One repetition, waited for; nothing more of one that failed."""
        if self.said and "missing" in self.said[-1]:
            return
        if not self._ready:
            self._ready = True
            if "missing" in (heard := self._hear()):
                self.said.append(heard)
                return
        self._say("go")
        self.said.append(self._hear())

    def close(self) -> list[dict[str, Any]]:
        """What each repetition said."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()
        return self.said


class Served:
    """A recording, served as fast as each client reads it, by a process on the other core."""

    def __init__(self, path: Path) -> None:
        program = [sys.executable, str(ROOT / "deploy_trading_systems.py"), "exchange", "--port", "0", "--child"]
        self._process = subprocess.Popen(
            [*program, "--frames", str(path), "--speed", "max"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.address: dict[str, Any] = json.loads(self._process.stdout.readline())
        if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(self._process.pid, {1})

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
