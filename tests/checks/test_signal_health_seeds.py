"""The whole way from simulated orders to the verdict: an edge that is there is found, and one that is not is not."""

from __future__ import annotations

from benchmarks.signal_health import measure


def test_a_planted_edge_is_found():
    """Sixteen minutes in which some traders know a little of the next seconds: the interval lies above 0."""
    found = measure(1, 1.0, 960)
    second = found.ics["score"][1]
    assert second.ic.low > 0.05
    assert (second.word, second.says, found.says) == ("MEASURED", "evidence", "evidence")
    assert found.placebos.mirrored == 0.0
    assert found.alarms == ()


def test_noise_is_called_no_evidence():
    """The same market in which nobody knows anything."""
    found = measure(1, 0.0, 960)
    assert [one.word for one in found.ics["score"][:2]] == ["MEASURED", "MEASURED"]
    assert found.says == "no evidence"
