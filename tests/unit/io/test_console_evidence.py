"""Signal health and the track record on the screen: no rate without n, interval and net result, no early verdict."""

from __future__ import annotations

from desk.io.console import evidence, picture
from desk.projections.screen import HealthRow, RecordRow, Screen

EARLY = HealthRow(
    "BTC/USDT", "kraken", "L3", 5.0, 0.21, 0.02, 0.40, 120, 900, "INSUFFICIENT DATA", "no evidence"
)  # fmt: skip
FOUND = HealthRow("BTC/USDT", "kraken", "L3", 1.0, 0.139, 0.09, 0.185, 1798, 900, "MEASURED", "evidence")
NONE = HealthRow("ETH/USDT", "kraken", "L3", 300.0, None, None, None, 0, 900, "NOT MEASURED", "no evidence")
RECORD = RecordRow(
    "USDT", 15, 783, "INSUFFICIENT DATA", 1 / 3, 0.15, 0.58, 1.78, -1.33, 0.25, -1.58, -0.73, 1.71
)  # fmt: skip


def screen(**changes: object) -> Screen:
    return Screen(0, "scalping", "embedded", "online", True, 75.0, 1, 1.0, 100.0, **changes)


def lines(section: evidence.Section, width: int) -> list[str]:
    return [line.plain.rstrip() for line in section.lines(width, section.rows)]


def test_what_is_measured_is_shown_with_its_interval_and_what_is_early_says_how_much_is_missing() -> None:
    """An IC of .21 over 120 returns is not told as evidence, nor as none."""
    shown = evidence.health(screen(health=(FOUND, EARLY, NONE)))
    assert shown.note.startswith("SIMULATED market")
    _, found, early, none = lines(shown, 120)
    assert " ".join(found.split()) == "BTC/USDT L3 1 s +0.139 [+0.090, +0.185] 1,798 evidence MEASURED"
    assert early.endswith("INSUFFICIENT DATA: 120 of 900")
    assert "evidence" not in early
    assert none.endswith("NOT MEASURED: 0 of 900")


def test_wins_are_never_shown_without_n_interval_and_net_result() -> None:
    """At any width at which the share of wins is there, the others are too."""
    section = evidence.record(screen(record=(RECORD,)))
    assert "SIMULATED" in section.note
    for width in range(40, 160):
        head, row = lines(section, width)
        if "Wins" in head:
            assert {"n", "Net", "95", "Word"} <= set(head.split()), (width, head)
            assert "15" in row.split()
            assert "−1.58" in row or "-1.58" in row, row


def test_nothing_is_shown_before_there_is_something() -> None:
    """No empty section takes the rows of another."""
    for width in (80, 160):
        text = "\n".join(line.plain for line in picture(screen(), width))
        assert "Signal health" not in text
        assert "Track record" not in text
    text = "\n".join(line.plain for line in picture(screen(health=(FOUND,), record=(RECORD,)), 100))
    assert "Signal health" in text
    assert "Track record" in text
