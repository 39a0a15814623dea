"""desk/io/trial_ledger.py: nothing tried is forgotten, counted twice, or lost to half a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.errors import DeskError
from desk.io.trial_ledger import TrialLedger
from desk.research.trials import Trial, luck

A, B = Trial(1, "BTC/USDT", "score, 5 d, from 20", 0.1, 400), Trial(1, "BTC/USDT", "score, 5 d, from 40", 0.2, 400)


def test_a_variant_is_written_once_and_never_changed(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path / "new", "kraken")
    assert ledger.read() == ()
    ledger.append([A])
    first = ledger.path.read_bytes()
    ledger.append([Trial(2, A.symbol, A.variant, 0.7, 401), B])
    assert ledger.read() == (A, B)
    assert ledger.path.read_bytes().startswith(first)
    assert luck(ledger.read(), [A, B], "BTC/USDT", symbols=2).trials == 4


def test_half_a_line_of_a_power_cut_is_written_again_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path, "kraken")
    ledger.append([A, B])
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole[:-9])
    assert ledger.read() == (A,)
    ledger.append([A, B])
    assert ledger.path.read_bytes() == whole
    ledger.path.write_bytes(b'{"ts": 1}\n' + whole)
    with pytest.raises(DeskError, match=r"trials-kraken\.jsonl: line 1 is not a trial .*; remove the line"):
        ledger.read()


def test_a_folder_that_cannot_be_made_is_said_with_its_fix(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DeskError, match="make it"):
        TrialLedger(tmp_path / "file", "kraken").append([A])
