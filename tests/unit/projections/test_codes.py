"""The list of codes: everything the sources can say is in it, in words, and docs/codes.md is that list."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from desk.io.console.words import short, whole
from desk.projections.codes import CODES, GATES
from desk.projections.notices import NOTICES, page
from desk.risk.rules import ALWAYS_RULES, ENTRY_RULES

ROOT = Path(__file__).resolve().parents[3]
CODE = re.compile(r"[A-Z]+(_[A-Z]+)+")
SAYING = ("Tell", "Word", "Change")


def refusals(path: Path) -> set[str]:
    """Codes a module answers with: `return "CODE"`, `return "CODE", {…}`, and in `x or "CODE"` within them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Return) and node.value is not None:
            answer = node.value.elts[0] if isinstance(node.value, ast.Tuple) and node.value.elts else node.value
            branches = [answer.body, answer.orelse] if isinstance(answer, ast.IfExp) else [answer]
            parts = [part for branch in branches for part in (branch, *ast.walk(branch)) if is_answer(branch, part)]
            found |= {part.value for part in parts if CODE.fullmatch(str(part.value))}
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            found |= {str(p.value) for p in ast.walk(node.value) if isinstance(p, ast.Constant) and is_code(p.value)}
    return found


def is_answer(branch: ast.AST, part: ast.AST) -> bool:
    return isinstance(part, ast.Constant) and (part is branch or isinstance(branch, ast.JoinedStr))


def is_code(value: object) -> bool:
    return CODE.fullmatch(str(value)) is not None


def notices(path: Path) -> Iterator[str]:
    """Codes a module tells a person: Tell(level, "CODE", …) and its kind, and ("warn", "CODE", …)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        said: list[ast.expr] = []
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SAYING:
            said = node.args
        elif isinstance(node, ast.Tuple) and node.elts and ast.unparse(node.elts[0]) in ("'info'", "'warn'", "'alarm'"):
            said = node.elts
        if len(said) > 1 and isinstance(said[1], ast.Constant):
            yield str(said[1].value)


@pytest.mark.parametrize(
    ("path", "least"),
    [
        ("scalping_engine.py", 8),
        ("desk/strategies/scalp_gates.py", 5),
        ("desk/market/state.py", 3),
        ("desk/market/sides.py", 2),
        ("desk/market/raw_l3.py", 2),
        ("desk/signals/features.py", 4),
    ],
)
def test_every_no_of_the_sources_is_listed(path: str, least: int) -> None:
    """Breaks: a new gate declines, and nobody can say what it means."""
    found = refusals(ROOT / path) - {"SIGNAL"}
    assert len(found) >= least, found
    assert found - CODES.keys() == set(), "add them to desk/projections/codes.py"


def test_every_strategy_says_listed_codes_only() -> None:
    for path in (ROOT / "desk" / "strategies").glob("*.py"):
        assert refusals(path) - CODES.keys() == set(), path


@pytest.mark.parametrize("rule", [*ALWAYS_RULES, *ENTRY_RULES], ids=lambda rule: rule.__name__)
def test_every_risk_rule_is_listed(rule: object) -> None:
    code = f"RISK_{rule.__name__.upper()}"  # type: ignore[attr-defined]
    assert CODES[code].gate == "risk"
    assert short(code) != code
    assert whole(code).startswith("risk: ")


def test_everything_the_desk_tells_by_itself_is_listed() -> None:
    found = {code for path in (ROOT / "desk").rglob("*.py") for code in notices(path)}
    assert len(found) > 20, found
    assert found - NOTICES.keys() == set(), "add them to desk/projections/notices.py"
    words = re.search(r"[Aa] person's word: (.*?)write down", (ROOT / "desk/events.py").read_text(), re.DOTALL)
    assert words is not None
    told = {word.upper() for word in re.findall(r'"(\w+)"', words[1])}  # the engine tells each command in capitals
    assert {"PAUSE", "KILL", "NOTE"} <= told
    assert told - NOTICES.keys() == set()


def test_no_code_is_listed_that_nothing_can_say() -> None:
    """Breaks: the page explains what was taken out of the product long ago."""
    sources = [*(ROOT / "desk").rglob("*.py"), ROOT / "scalping_engine.py"]
    text = "".join(path.read_text(encoding="utf-8") for path in sources if "projections" not in path.parts)
    text += (ROOT / "desk/projections/funnel.py").read_text(encoding="utf-8")
    for code in CODES:
        name = code.removeprefix("RISK_").lower() if code.startswith("RISK_") else code
        assert re.search(rf"\b{name}\b", text), f"{code}: nothing says it"


def test_every_code_has_its_gate_and_its_remedy() -> None:
    for name, code in CODES.items():
        assert code.gate in GATES, name
        assert code.meaning, name
        assert code.remedy, name
        assert len(code.short) <= 24, f"{name}: a cell of the screen holds 24 letters"


def test_the_page_in_docs_is_the_list() -> None:
    """`python -m desk.projections.notices > docs/codes.md` writes it."""
    assert (ROOT / "docs" / "codes.md").read_text(encoding="utf-8") == page()
