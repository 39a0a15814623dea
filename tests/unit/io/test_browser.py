"""desk/io/browser.py: a page drawn by the real browser where there is one, and every way a browser can fail."""

from __future__ import annotations

import re
import socket
import struct
import subprocess
import tempfile
import time
import zlib
from pathlib import Path

import pytest

from desk.errors import DeskError
from desk.io.browser import CHROME_PATH, NAMES, draw, find_browser

PAGE = """<!doctype html><meta charset="utf-8"><title>A page</title>
<body style="margin:0;background:#ff0000"><div style="height:2345px">words in the page</div>
<img src="http://127.0.0.1:{port}/a.png"><script>document.body.style.height = "9000px"</script>"""
NO_PROGRAM = "not a program of this machine\n"


def real_browser() -> str:
    """The browser of this machine, or a skip that says what was looked for."""
    try:
        return find_browser()
    except DeskError as e:
        pytest.skip(str(e))


def fake(folder: Path, script: str) -> str:
    """A program that stands where a browser should; it notes its process id."""
    path = folder / "fakebrowser"
    path.write_text(f"#!/bin/sh\necho $$ > {folder}/pid\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_a_page_becomes_a_picture_of_its_whole_length_and_a_pdf_without_a_single_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report says what its reader trades: the browser that draws it must tell nobody, run nothing, leave nothing."""
    browser = real_browser()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        drawn = draw(PAGE.replace("{port}", str(listening.getsockname()[1])), ("pdf", "png"), browser)
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert list(drawn) == ["png", "pdf"]
    width, height = struct.unpack(">II", drawn["png"][16:24])
    assert drawn["png"].startswith(b"\x89PNG\r\n")
    assert (width, 2345 <= height < 2500) == (1100, True)
    assert first_pixel(drawn["png"]) == (255, 0, 0)
    assert drawn["pdf"].startswith(b"%PDF-")
    assert drawn["pdf"].rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", drawn["pdf"])) >= 2
    tall = draw('<body style="margin:0;background:#00f"><div style="height:40000px">', ("png",), browser)["png"]
    assert struct.unpack(">II", tall[16:24]) == (440, 16_000)  # the whole of it, smaller
    assert first_pixel(tall) == (0, 0, 255)
    assert list(tmp_path.iterdir()) == []


def first_pixel(png: bytes) -> tuple[int, ...]:
    """Its red, green and blue, whatever the filter of the row: left and upper neighbours count as 0."""
    at, data = 8, b""
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        data += png[at + 8 : at + 8 + size] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + size
    return tuple(zlib.decompressobj().decompress(data, 8)[1:4])


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sleep 60 & sleep 60", r"gave no answer within 0\.4 s and was stopped .*works, or set CHROME_PATH"),
        ("echo cannot open display >&2; exit 1", r"ended \(last words: cannot open display\)"),
        ("exit 0", r"ended \(last words: it said nothing\)"),
        ("printf 'hello\\0' >&4; sleep 60", "answered as no Chromium does"),
        ("printf '[1]\\0' >&4; sleep 60", "answered as no Chromium does"),
        ("printf '{\"id\":1}\\0' >&4; sleep 60", "answered as no Chromium does"),
        (
            'printf \'{"method":"x"}\\0{"id":1,"error":{"message":"wasn\'"\'"\'t found"}}\\0\' >&4; sleep 60',
            r"createTarget: wasn't found; install a newer one",
        ),
    ],
)
def test_a_browser_that_hangs_dies_or_talks_nonsense_is_one_line_and_leaves_no_process(
    tmp_path: Path, script: str, said: str
) -> None:
    """The morning's report must not wait for a browser, nor leave one running for a week."""
    browser = fake(tmp_path, script)
    began = time.monotonic()
    with pytest.raises(DeskError, match=said) as fault:
        draw("<p>x", ("png",), browser, limit_s=0.4 if "sleep 60 &" in script else 20.0)
    assert "\n" not in str(fault.value)
    assert str(fault.value).startswith(browser)
    assert time.monotonic() - began < 30.0
    group = (tmp_path / "pid").read_text().strip()
    listed = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    assert not [line for line in listed.splitlines() if line.split()[0] == group and line.split()[1][0] != "Z"]


def test_a_browser_sees_no_key_of_the_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the largest program that ever touches a report; what it does not know it cannot lose."""
    monkeypatch.setenv("KRAKEN_API_SECRET", "hunter2")
    with pytest.raises(DeskError):
        draw("<p>x", ("png",), fake(tmp_path, f"env > {tmp_path}/env"))
    around = (tmp_path / "env").read_text()
    assert "PATH=" in around
    assert "hunter2" not in around


def test_a_machine_without_a_browser_is_told_what_was_looked_for_and_the_fix(tmp_path: Path) -> None:
    """One line each: none found, the named one missing, a file that is no program."""
    with pytest.raises(DeskError, match=r"looked for .*install one .*CHROME_PATH=") as none:
        find_browser({"PATH": str(tmp_path)}, ())
    assert all(name in str(none.value) for name in NAMES)
    with pytest.raises(DeskError, match=r"CHROME_PATH=/no/such: no such program; correct it, or unset it"):
        find_browser({CHROME_PATH: "/no/such"})
    browser = Path(fake(tmp_path, ""))
    assert find_browser({CHROME_PATH: str(browser)}) == str(browser)
    (tmp_path / NAMES[0]).symlink_to(browser)
    assert find_browser({"PATH": str(tmp_path)}, ()) == str(tmp_path / NAMES[0])
    browser.write_bytes(b"\x00" + NO_PROGRAM.encode())
    with pytest.raises(DeskError, match="could not be used for PNG and PDF"):
        draw("<p>x", ("png",), str(browser))
