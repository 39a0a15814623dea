"""The verb `exchange`: what it refuses, in one line, before anything listens."""

from __future__ import annotations

from typing import Any

import pytest

from desk.run.exchange import run_exchange


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"speed": 2.0}, "speed belongs to a recording"),
        ({"speed": -1.0}, "speed -1.0 is not between 0 and 10000"),
        ({"symbols": ("BTC/USD", "FOO/BAR")}, "does not list FOO/BAR. It lists BTC/USDT"),
        ({"symbols": ("BTC/USD",), "port": 70_000}, "port 70000 on 127.0.0.1 cannot be opened"),
    ],
)
def test_a_start_that_cannot_be_is_one_line(
    arguments: dict[str, Any], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Breaks the user's way out of a typing mistake."""
    assert run_exchange(**arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("exchange: ")
    assert err.count("\n") == 1
    assert reason in err
