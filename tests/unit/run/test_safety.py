"""desk/run/safety.py: a kill from anywhere reaches the engine, and what the engine stops stays stopped."""

from __future__ import annotations

from desk.intents import Tell
from desk.io import latch
from desk.run.safety import Safety

NOW = 1_795_000_000_000_000_000
DAY = 86_400_000_000_000


def safety(folder, *, breakers_stay=True, now=NOW):
    sent = []
    made = Safety(folder, sent.append, breakers_stay=breakers_stay)
    made.begin(now)
    return made, sent


def words(sent):
    return [(command.what, command.why) for command in sent]


def test_a_kill_by_another_process_becomes_a_command_once(tmp_path):
    """And flatten follows it; looking again says nothing new."""
    desk, sent = safety(tmp_path)
    latch.kill(tmp_path, "stop it", NOW, flatten=True)
    desk.look(NOW + 1)
    desk.look(NOW + 2)
    assert words(sent) == [("kill", "stop it"), ("flatten", "stop it")]


def test_a_kill_survives_the_restart_and_is_lifted_by_a_reason(tmp_path):
    """The next session starts killed; re-arming while it runs reaches the engine with its reason."""
    latch.kill(tmp_path, "stop it", NOW)
    desk, sent = safety(tmp_path)
    assert words(sent) == [("kill", "stop it")]
    latch.rearm(tmp_path, "fixed", NOW + 5)
    desk.look(NOW + 6)
    assert words(sent)[1:] == [("resume", "fixed")]
    assert safety(tmp_path)[1] == []


def test_a_kill_by_the_console_and_a_breaker_are_kept_for_the_next_start(tmp_path):
    """What the engine told a person is what the next session begins with."""
    desk, sent = safety(tmp_path)
    desk.see([Tell("alarm", "DRAWDOWN", "5.2 % below the peak", 7), Tell("info", "BIAS", "BTC", 7)], NOW)
    desk.see([Tell("alarm", "KILL", "the k key", 8)], NOW)
    desk.look(NOW + 1)
    assert sent == []
    again = words(safety(tmp_path)[1])
    assert again == [("halt", "drawdown: 5.2 % below the peak"), ("kill", "the k key")]


def test_a_daily_loss_ends_with_its_day_also_over_a_restart(tmp_path):
    """On the same day it holds; a drawdown holds on every day."""
    safety(tmp_path)[0].see([Tell("alarm", "DAILY_LOSS", "2.1 %", 7)], NOW)
    assert words(safety(tmp_path)[1]) == [("halt", "daily_loss: 2.1 %")]
    assert safety(tmp_path, now=NOW + DAY)[1] == []
    safety(tmp_path)[0].see([Tell("alarm", "DRAWDOWN", "6 %", 7)], NOW)
    assert words(safety(tmp_path, now=NOW + 9 * DAY)[1]) == [("halt", "drawdown: 6 %")]


def test_a_simulated_market_forgets_its_breakers_but_never_a_kill(tmp_path):
    """Its account begins anew with each run."""
    desk, _ = safety(tmp_path, breakers_stay=False)
    desk.see([Tell("alarm", "DRAWDOWN", "6 %", 7), Tell("alarm", "KILL", "key", 8)], NOW)
    assert words(safety(tmp_path, breakers_stay=False)[1]) == [("kill", "key")]


def test_re_arming_from_inside_the_run_is_kept_and_counted_like_any_other(tmp_path):
    """A person who types resume lifts the file's latch too, and only twice a day."""
    desk, sent = safety(tmp_path)
    for n in range(3):
        desk.see([Tell("alarm", "KILL", "typed", n)], NOW + 10 * n)
        desk.rearm("fixed", NOW + 10 * n + 2)
    assert [what for what, _ in words(sent)] == ["resume", "resume", "note"]
    assert latch.read(tmp_path).open


def test_the_third_re_arming_within_a_day_needs_a_restart(tmp_path):
    """Somebody who lifts a safety device for the third time should look at the whole thing once."""
    desk, sent = safety(tmp_path)
    for n in range(3):
        latch.kill(tmp_path, f"kill {n}", NOW + 10 * n)
        desk.look(NOW + 10 * n + 1)
        latch.rearm(tmp_path, f"reason {n}", NOW + 10 * n + 2)
        desk.look(NOW + 10 * n + 3)
    assert [what for what, _ in words(sent)] == ["kill", "resume", "kill", "resume", "kill", "note"]
    assert safety(tmp_path)[1] == []
