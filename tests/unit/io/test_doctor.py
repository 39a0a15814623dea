"""The doctor: looks at real files, real sockets and a real (tiny) venue on loopback; says what is wrong and the fix."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from desk.config import Config, Risk
from desk.io.config_file import load, read
from desk.io.doctor import Finding, examine, exit_code, installation, place, render, world

ROOT = Path(__file__).resolve().parents[3]


class Venue(http.server.BaseHTTPRequestHandler):
    """Answers the two public calls; what it says is set per test on the server."""

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        time.sleep(server.delay_s)
        body = server.raw or json.dumps({"error": [], "result": server.results.get(self.path, {})}).encode()
        self.send_response(server.code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Venue)
        self.delay_s, self.raw, self.code = 0.0, b"", 200
        self.results: dict[str, dict[str, object]] = {"/0/public/SystemStatus": {"status": "online"}}

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that lost its patience is part of the test."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def test_a_sound_checkout_gets_no_bad_finding_and_is_not_changed(server: Server, tmp_path: Path) -> None:
    """Breaks: the doctor itself makes folders, writes the configuration, or cries wolf."""
    (tmp_path / "desk").mkdir()
    shutil.copytree(ROOT / "desk/kernels", tmp_path / "desk/kernels")
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    before = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*"))
    server.results["/0/public/Time"] = {"unixtime": int(time.time())}
    findings = examine(tmp_path / "trading_config.json", read, server.url, tmp_path)
    assert [f for f in findings if f.state == "bad"] == []
    assert exit_code(findings) == 0
    found = by_name(findings)
    for name in ("python", "packages", "imports", "kernels", "config", "time zone", "sessions", "reports/out", "disk"):
        assert name in found
    assert found["venue"].text.endswith("is online")
    assert found["clock"].state == "ok"
    assert sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*")) == before


def test_a_venue_that_cannot_be_reached_is_a_warning_that_names_the_way_out() -> None:
    """Breaks: a person without network is told to repair something instead of to start."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    about, clock = world.venue(f"http://127.0.0.1:{port}", 1.0)
    assert (about.state, about.fix) == ("warn", "use --feed embedded: it needs no network")
    assert "refused" in about.text
    assert clock.text.startswith("not measured")


def test_a_silent_venue_costs_no_more_than_the_patience_asked_for(server: Server) -> None:
    """Breaks: the doctor hangs where a firewall swallows packets."""
    server.delay_s = 3.0
    began = time.monotonic()
    about, _ = world.venue(server.url, 0.3)
    assert time.monotonic() - began < 1.5
    assert about.state == "warn"
    assert "in time" in about.text or "within" in about.text


@pytest.mark.parametrize("raw", [b"<html>captive portal</html>", b"[]", b'{"error":["EService:Unavailable"]}', b"\xff"])
def test_an_answer_that_is_not_the_venues_is_a_warning(server: Server, raw: bytes) -> None:
    """Breaks: a hotel's login page counts as a venue that is online, or ends in a traceback."""
    server.raw = raw
    about, _ = world.venue(server.url, 1.0)
    assert about.state == "warn"
    assert "is online" not in about.text


def test_a_venue_in_maintenance_or_with_an_http_error_is_told_in_its_own_words(server: Server) -> None:
    """Breaks: maintenance looks like a fault of this machine."""
    server.results["/0/public/SystemStatus"] = {"status": "maintenance"}
    assert world.venue(server.url, 1.0)[0].text.endswith("says: maintenance")
    server.code = 503
    assert "HTTP 503" in world.venue(server.url, 1.0)[0].text


def test_an_address_that_is_no_web_address_is_not_opened(tmp_path: Path) -> None:
    """Breaks: file:// in a configuration reads a local file."""
    assert "not a web address" in world.venue(f"file://{tmp_path}", 1.0)[0].text


@pytest.mark.parametrize(
    ("behind_s", "state"), [(0, "ok"), (0.9, "ok"), (1.8, "warn"), (-1.8, "warn"), (7, "bad"), (-3600, "bad")]
)
def test_a_clock_is_judged_by_what_the_venues_whole_second_cannot_explain(behind_s: float, state: str) -> None:
    """Breaks: orders signed with a wrong nonce, or an alarm over rounding. Our clock is `behind_s` behind the venue;
    the venue's second is the floor of its time."""
    ours = 1_000.5
    assert world.clock(int(ours + behind_s), ours - 0.01, ours + 0.01).state == state


def test_packages_that_differ_from_the_lock_are_named(tmp_path: Path) -> None:
    """Breaks: a half-upgraded environment is believed."""
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "rich==0.0.1 \\\n    --hash=sha256:0\nno-such-package==1\nonly-on-mars==2 ; sys_platform == 'mars'\n"
    )
    versions, imports = installation.packages(lock)
    assert versions.state == "bad"
    assert "rich is 15" in versions.text
    assert "locked is 0.0.1" in versions.text
    assert "no-such-package is missing" in versions.text
    assert "mars" not in versions.text
    assert "./run" in versions.fix
    assert imports.state == "ok"


def test_kernels_older_than_their_source_are_named(tmp_path: Path) -> None:
    """Breaks: the first tick waits for the compiler, and nobody was told."""
    (tmp_path / "__pycache__").mkdir()
    source = tmp_path / "scan.py"
    source.write_text("@kernel\ndef f(): ...\n")
    (tmp_path / "plain.py").write_text("def g(): ...\n")
    assert "scan" in installation.kernels(tmp_path).text
    index = tmp_path / "__pycache__" / f"scan.f-1.py{sys.version_info.major}{sys.version_info.minor}.nbi"
    index.touch()
    assert installation.kernels(tmp_path) == Finding("kernels", "ok", "1 modules compiled")
    os.utime(index, (1, 1))
    assert installation.kernels(tmp_path).state == "warn"


def test_the_names_of_the_cache_files_are_numbas_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks: numba names its files otherwise, and the doctor says "not compiled" for ever."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "warmed_here.py").write_text(
        "from numba import njit\n\n\n@njit(cache=True)\ndef f(x):\n    return x + 1\n"
    )
    import numba

    monkeypatch.setattr(numba.config, "CACHE_DIR", "")  # our own kernels' place, when they were imported before
    import warmed_here  # type: ignore[import-not-found]

    assert installation.kernels(tmp_path).state == "warn"
    assert warmed_here.f(1) == 2
    assert installation.kernels(tmp_path).state == "ok"


def test_the_faults_of_a_configuration_are_listed_and_a_suspicion_is_a_warning(tmp_path: Path) -> None:
    """Breaks: 0.02 for 2 % halts trading on the first losing trade, and nothing hints at it."""
    path = tmp_path / "c.json"
    path.write_text('{"risk": {"per_trade": 1, "daily_loss_pct": 99}}')
    config, finding = place.configuration(path, read)
    assert config == Config()
    assert (finding.state, finding.text.count("\n")) == ("bad", 2)
    assert "at `$.risk.daily_loss_pct`" in finding.text
    path.write_text('{"risk": {"daily_loss_pct": 0.02}}')
    config, finding = place.configuration(path, read)
    assert config.risk == Risk(daily_loss_pct=0.02)
    assert (finding.state, "did you mean 2?" in finding.text) == ("warn", True)
    load(tmp_path / "fresh.json")
    assert place.configuration(tmp_path / "fresh.json", read)[1].state == "ok"


def test_a_folder_that_cannot_be_written_is_bad(tmp_path: Path) -> None:
    """Breaks: the session starts and its journal cannot."""
    (tmp_path / "file").touch()
    assert place.folder(tmp_path / "file" / "sessions").state == "bad"
    assert place.folder(tmp_path / "not" / "yet").state == "ok"
    if os.geteuid() == 0:
        assert (
            not Path("/proc").is_dir() or place.folder(Path("/proc")).state == "bad"
        )  # root may write where modes forbid
    else:
        tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
        assert place.folder(tmp_path).state == "bad"
        tmp_path.chmod(stat.S_IRWXU)


def test_an_unknown_time_zone_is_bad_and_a_known_one_tells_its_time() -> None:
    """Breaks: the morning report comes at the wrong hour."""
    assert place.time_zone("Mars/Olympus").state == "bad"
    assert "CE" in place.time_zone("Europe/Berlin").text


def test_only_a_bad_finding_fails_a_script() -> None:
    """Breaks: `./run doctor && ./run` never starts offline."""
    ok, warn, bad = (Finding("x", state, "") for state in ("ok", "warn", "bad"))
    assert [exit_code(found) for found in ([], [ok], [ok, warn], [warn, bad])] == [0, 0, 0, 1]


def test_the_report_says_every_state_in_words_and_shows_nothing_raw() -> None:
    """Breaks: on a black-and-white terminal good and bad look alike, or a path with escape codes repaints it."""
    findings = [
        Finding("config", "bad", "2 faults\nfirst [bold]fault[/bold]\nsecond \x1b[31m" + "long " * 40, "correct it"),
        Finding("disk", "ok", "84 GB free"),
    ]
    plain = render(findings, width=80)
    assert plain.splitlines()[0] == "bad   config     2 faults"
    assert "                 first [bold]fault[/bold]" in plain
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= 80
    assert plain.endswith("1 thing to repair first.")
    assert "\x1b[1;31mbad " in render(findings, color=True)
    assert render([Finding("disk", "ok", "")]).endswith("All is well.")
