"""desk/io/latch.py: the kill switch's memory is whole or not there, and what cannot be read counts as killed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from shared import ROOT

from desk.errors import JournalError
from desk.io import latch

NOW = 1_795_000_000_000_000_000


def test_a_kill_stays_with_its_first_reason_until_a_person_gives_another_one(tmp_path):
    """A second kill may add the wish to be flat; re-arming without a reason is refused."""
    assert latch.read(tmp_path).open
    latch.kill(tmp_path, "spread went mad", NOW)
    held = latch.kill(tmp_path, "again", NOW + 5, flatten=True)
    assert (held.killed, held.since, held.flatten, held.open) == ("spread went mad", NOW, True, False)
    with pytest.raises(JournalError, match="needs a reason"):
        latch.rearm(tmp_path, " ", NOW + 6)
    assert latch.read(tmp_path) == held
    assert latch.rearm(tmp_path, "venue fixed it", NOW + 7).open
    assert latch.read(tmp_path).rearmed == (NOW + 7,)


def test_a_breaker_is_latched_beside_a_kill_and_the_first_one_stays(tmp_path):
    """Both must be lifted by a person; a daily loss may expire, the kill may not."""
    latch.halt(tmp_path, "daily_loss: 2.10 % lost", NOW)
    latch.halt(tmp_path, "drawdown: 5.3 %", NOW + 1)
    assert latch.read(tmp_path).halted == "daily_loss: 2.10 % lost"
    latch.kill(tmp_path, "enough", NOW + 2)
    assert latch.expire(tmp_path) == latch.read(tmp_path)
    assert (latch.read(tmp_path).halted, latch.read(tmp_path).killed) == ("", "enough")


@pytest.mark.parametrize("damage", [b"", b"{", b'{"killed": 5}', b"\xff\xfe", b"[]"])
def test_a_latch_that_cannot_be_understood_counts_as_killed(tmp_path, damage):
    """Fail shut; and a person's re-arming makes it whole again."""
    (tmp_path / latch.NAME).write_bytes(damage)
    assert latch.UNREADABLE in latch.read(tmp_path).killed
    assert latch.rearm(tmp_path, "looked at it", NOW).open


def test_a_latch_that_cannot_be_stored_is_an_error_that_says_so(tmp_path):
    """The folder's name is taken by a file: nothing can be kept in it."""
    (tmp_path / "sessions").write_text("not a folder")
    with pytest.raises(JournalError, match="the kill switch cannot be stored"):
        latch.kill(tmp_path / "sessions", "now", NOW)


def test_the_kill_path_loads_no_report_no_money_and_no_screen(tmp_path):
    """A kill must work when everything else is broken: the command imports next to nothing."""
    code = (
        "import sys; from deploy_trading_systems import main; main(['kill', '--why', 'test']); "
        "print([m for m in sys.modules if m.split('.')[0] in ('rich', 'jinja2', 'numpy', 'pandas', 'numba', 'ccxt') "
        "or m.startswith(('desk.portfolio', 'desk.engine', 'desk.sim', 'desk.io.console', 'desk.io.reports'))])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[-1] == "[]"
    assert latch.read(tmp_path / "sessions").killed == "test"
