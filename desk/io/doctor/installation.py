"""This Python, its packages, and the machine code of the kernels."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import re
import sys
from pathlib import Path

from desk.io.doctor.finding import Finding

PYTHON_MIN = (3, 11)
NAMED = (  # the packages the programs import themselves, as they are imported
    "ccxt", "jinja2", "msgspec", "numba", "numpy", "pandas", "pandas_ta_classic", "picows", "rich", "schedule",
    "websockets",
)  # fmt: skip


def python() -> Finding:
    """The interpreter."""
    text = f"{platform.python_version()} ({platform.python_implementation()}, {platform.system()} {platform.machine()})"
    if sys.version_info < PYTHON_MIN:
        return Finding("python", "bad", text, "install Python 3.11 or newer, remove .venv, and start ./run again")
    return Finding("python", "ok", text)


def packages(lock: Path) -> list[Finding]:
    """What is installed against what is locked, and whether the named packages can be imported."""
    pins = locked(lock.read_text(encoding="utf-8")) if lock.exists() else {}
    if not pins:
        versions = Finding("packages", "warn", f"{lock.name} is missing or empty: nothing to compare with")
    else:
        wrong = []
        for name, wanted in pins.items():
            found = _installed(name)
            if found is None and not wanted[1]:  # a line with a marker may be for another machine
                wrong.append(f"{name} is missing")
            elif found is not None and found not in wanted[0]:
                wrong.append(f"{name} is {found}, locked is {' or '.join(wanted[0])}")
        text = "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        missing = any(line.endswith("is missing") for line in wrong)
        fix = "start ./run: it installs what is locked (remove .venv/.installed if it does not)"
        versions = (
            Finding("packages", "bad" if missing else "warn", text, fix)
            if wrong
            else Finding("packages", "ok", f"{len(pins)} as locked")
        )
    broken = [f"{name}: {why}" for name in NAMED if (why := _import_error(name))]
    if not broken:
        return [versions, Finding("imports", "ok", f"{len(NAMED)} packages can be imported")]
    return [versions, Finding("imports", "bad", "\n".join(broken), "remove .venv and start ./run again")]


def locked(text: str) -> dict[str, tuple[list[str], bool]]:
    """name → (versions, whether every line of it has a marker) of a lock file.

    >>> locked("numpy==2.4.6 ; python_version < '3.12' \\\\\\n    --hash=x\\nnumpy==2.5.5 ; y\\nrich==15.0.0 \\\\\\n")
    {'numpy': (['2.4.6', '2.5.5'], True), 'rich': (['15.0.0'], False)}
    """
    pins: dict[str, tuple[list[str], bool]] = {}
    for name, version, marker in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\\n]+)[ \t]*(;?)", text, re.MULTILINE):
        versions, marked = pins.get(name, ([], True))
        pins[name] = ([*versions, version], marked and bool(marker))
    return pins


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _import_error(name: str) -> str:
    try:
        importlib.import_module(name)
    except Exception as why:  # noqa: BLE001 - a broken package may raise anything, and saying so is the job
        return f"{type(why).__name__}: {why}"
    return ""


def kernels(folder: Path) -> Finding:
    """Whether each kernel module has machine code on disk that is not older than its source."""
    tag = f"py{sys.version_info.major}{sys.version_info.minor}"
    cold = []
    sources = [p for p in sorted(folder.glob("*.py")) if re.search(r"^@(kernel|njit|jit)", p.read_text(), re.MULTILINE)]
    for source in sources:
        cache = Path(os.environ.get("NUMBA_CACHE_DIR") or source.parent / "__pycache__")
        made = [p.stat().st_mtime for p in cache.rglob(f"{source.stem}.*{tag}*.nbi")]
        if not made or max(made) < source.stat().st_mtime:
            cold.append(source.stem)
    if cold:
        fix = "nothing to do: the next start compiles them, once"
        return Finding("kernels", "warn", f"not compiled yet: {', '.join(cold)}", fix)
    return Finding("kernels", "ok", f"{len(sources)} modules compiled")
