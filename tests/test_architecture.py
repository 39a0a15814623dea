"""The shape of the tree, kept by a machine: who may import whom, how long a file may be, and that the checker bites."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINES_MAX = 400

# What each program at the root may import of the others; desk is a library, and only the command line knows its edges.
PROGRAMS: dict[str, frozenset[str]] = {
    "hft_signals": frozenset(),
    "scalping_engine": frozenset({"hft_signals"}),
    "ultimate_crypto_analyzer": frozenset({"hft_signals"}),
    "deploy_trading_systems": frozenset({"hft_signals", "scalping_engine", "ultimate_crypto_analyzer"}),
}
EDGES = ("desk.io", "desk.run")
EDGES_FOR = "deploy_trading_systems"


def is_main_guard(node: ast.AST) -> bool:
    """`if __name__ == "__main__":`: a short road into the command line, run only by a person."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def imports(source: str) -> Iterator[str]:
    """Every module a file can import, also inside functions; what stands under the main guard does not count."""

    def walk(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            if not is_main_guard(child):
                yield from walk(child)

    return walk(ast.parse(source))


def violations(program: str, source: str) -> list[str]:
    """What this program imports and may not."""
    found = []
    for name in imports(source):
        top = name.partition(".")[0]
        if top in PROGRAMS and top != program and top not in PROGRAMS[program]:
            found.append(name)
        if program != EDGES_FOR and any(name == edge or name.startswith(f"{edge}.") for edge in EDGES):
            found.append(name)
    return found


def sources() -> list[Path]:
    """Every Python file of the product."""
    return sorted((*ROOT.glob("*.py"), *(ROOT / "desk").rglob("*.py")))


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_imports_only_downwards(program: str) -> None:
    """Breaks: the score depends on the engine, or an analysis cannot be run without a network."""
    assert violations(program, (ROOT / f"{program}.py").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("program", "source", "found"),
    [
        ("hft_signals", "import scalping_engine", ["scalping_engine"]),
        ("hft_signals", "from desk.io import console", ["desk.io.console"]),
        ("scalping_engine", "def f():\n    from ultimate_crypto_analyzer import X", ["ultimate_crypto_analyzer.X"]),
        ("scalping_engine", "import hft_signals\nimport desk.run.loop as loop", ["desk.run.loop"]),
        ("ultimate_crypto_analyzer", "from desk import io", ["desk.io"]),
        ("ultimate_crypto_analyzer", "if True:\n    import deploy_trading_systems", ["deploy_trading_systems"]),
        ("scalping_engine", "if __name__ == '__main__':\n    from deploy_trading_systems import main\n    main()", []),
        ("scalping_engine", "from desk.risk.rules import limits\nfrom desk.iota import x", []),
        ("deploy_trading_systems", "from desk.io import console\nimport scalping_engine", []),
    ],
)
def test_the_checker_of_the_programs_bites(program: str, source: str, found: list[str]) -> None:
    """Breaks: the check above passes whatever anybody writes."""
    assert violations(program, source) == found


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter with the contracts of that folder's pyproject.toml."""
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_floors_keep_their_contracts() -> None:
    """Breaks: a pure floor asks the clock, an edge drives the core, or two floors know each other."""
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


def test_the_contracts_bite(tmp_path: Path) -> None:
    """Breaks: the contracts are misspelt, and pass whatever anybody writes. One violation is planted per contract."""
    shutil.copytree(ROOT / "desk", tmp_path / "desk", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for program in PROGRAMS:
        (tmp_path / f"{program}.py").write_text("")
    planted = {
        "Floors: imports only go down": ("desk/errors.py", "import desk.instrument"),
        "A library: desk never imports the programs at the root": ("desk/config.py", "import hft_signals"),
        "Pure floors: no clock, no network": ("desk/market/l2.py", "import time"),
        "Fast floors: no pandas on the tick path": ("desk/signals/shape.py", "import pandas"),
        "Edges do not drive the core": ("desk/io/planted_a.py", "import desk.risk.rules"),
        "Edges do not know each other": ("desk/io/planted_b.py", "import desk.io.planted_a"),
        "numba lives on one floor": ("desk/indicators/__init__.py", "import numba"),
        "No cycles anywhere": ("desk/indicators/__init__.py", "import desk.indicators.averages"),
    }
    (tmp_path / "desk/indicators/averages.py").write_text("import desk.indicators.bands\n")
    (tmp_path / "desk/indicators/bands.py").write_text("import desk.indicators.averages\n")
    for place, line in planted.values():
        with (tmp_path / place).open("a") as file:
            file.write(f"\n{line}\n")
    said = lint_imports(tmp_path).stdout
    verdicts = [line for line in said.splitlines() if line.endswith((" KEPT", " BROKEN"))]
    for contract in planted:
        assert any(line.startswith(contract) and line.endswith("BROKEN") for line in verdicts), (contract, verdicts)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_what_it_is_and_can_be_read_in_a_sitting(path: Path) -> None:
    """Breaks: a file without a sentence about itself, or one that needs a second table of contents."""
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert text.count("\n") <= LINES_MAX
