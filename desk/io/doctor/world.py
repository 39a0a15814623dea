"""This machine's ports and screen, the venue, and the clock."""

from __future__ import annotations

import functools
import http.client
import json
import re
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from rich.console import Console

from desk.io.doctor.finding import Finding

CLOCK_WARN_MS, CLOCK_BAD_MS = 1_000.0, 5_000.0
OFFLINE_FIX = "use --feed embedded: it needs no network"


def loopback() -> Finding:
    """Whether the embedded exchange will find a port on this machine, and be found on it."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port), timeout=2.0):
                pass
    except OSError as why:
        return Finding("loopback", "bad", f"no port on 127.0.0.1 ({why})", "allow connections to 127.0.0.1 (firewall)")
    return Finding("loopback", "ok", "ports on 127.0.0.1 can be opened")


def venue(rest_url: str, timeout_s: float = 3.0) -> tuple[Finding, Finding]:
    """Whether the venue answers, and how far its clock is from ours (it tells whole seconds: ± 0.5 s)."""
    host = re.sub(r"^https?://|/.*$", "", rest_url)
    answer = _patiently(functools.partial(_ask, f"{rest_url}/0/public/SystemStatus", timeout_s), timeout_s)
    if isinstance(answer, str):
        silent = Finding("venue", "warn", f"{host} does not answer: {answer}", OFFLINE_FIX)
        return silent, Finding("clock", "ok", "not measured: no venue to compare with")
    word = str(answer.get("status", "unknown"))
    about = Finding("venue", "ok", f"{host} is online")
    if word != "online":
        about = Finding("venue", "warn", f"{host} says: {word}", f"wait, or {OFFLINE_FIX}")
    sent = time.time()
    told = _patiently(functools.partial(_ask, f"{rest_url}/0/public/Time", timeout_s), timeout_s)
    received = time.time()
    if isinstance(told, str) or not isinstance(told.get("unixtime"), int):
        return about, Finding("clock", "ok", "not measured: the venue did not tell its time")
    return about, clock(told["unixtime"], sent, received)


def clock(unixtime: int, sent: float, received: float) -> Finding:
    """Our clock against a venue's whole second, asked at `sent` and answered at `received` (s since 1970).

    >>> clock(1_000, 1_000.4, 1_000.6).text, clock(1_000, 1_010.4, 1_010.6).state
    ('+0 ms against the venue (± 600 ms)', 'bad')
    """
    offset = (unixtime + 0.5 - (sent + received) / 2) * 1e3
    doubt = 500.0 + (received - sent) * 500.0
    text = f"{offset:+,.0f} ms against the venue (± {doubt:,.0f} ms)"
    surely = max(abs(offset) - doubt, 0.0)  # what the whole second cannot explain
    fix = "set the clock: timedatectl set-ntp true (Linux), sntp -sS time.apple.com (macOS)"
    if surely >= CLOCK_BAD_MS:
        return Finding("clock", "bad", text, fix)
    return Finding("clock", "warn", text, fix) if surely >= CLOCK_WARN_MS else Finding("clock", "ok", text)


def _patiently(ask: Callable[[], dict[str, Any] | str], timeout_s: float) -> dict[str, Any] | str:
    """The answer, or why there is none: looking up a name knows no time limit, so a thread is waited for."""
    answers: list[dict[str, Any] | str] = []
    thread = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    thread.start()
    thread.join(timeout_s + 0.5)
    return answers[0] if answers else f"no answer within {timeout_s:g} s"


def _ask(url: str, timeout_s: float) -> dict[str, Any] | str:
    """The `result` of a public call, or what went wrong in a few words."""
    if not url.startswith(("https://", "http://")):
        return "not a web address"
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as reply:  # noqa: S310 - the scheme was asked above
            plain = json.loads(reply.read(65_536))
    except urllib.error.HTTPError as why:
        return f"HTTP {why.code}"
    except urllib.error.URLError as why:
        reason = why.reason
        if isinstance(reason, ssl.SSLError):
            return f"its certificate is refused ({getattr(reason, 'verify_message', '') or reason.reason})"
        return (
            "no answer in time" if isinstance(reason, TimeoutError) else str(getattr(reason, "strerror", "") or reason)
        )
    except (OSError, ValueError, http.client.HTTPException) as why:
        return "no answer in time" if isinstance(why, TimeoutError) else f"{type(why).__name__}: {why}"
    result = plain.get("result") if isinstance(plain, dict) else None
    return result if isinstance(result, dict) else "an answer that is not the venue's protocol"


def terminal() -> Finding:
    """What the live screen will look like here."""
    if not sys.stdout.isatty():
        return Finding("terminal", "ok", "none: the console will write one plain line per event")
    console = Console()
    colours = {None: "no colours", "standard": "16 colours", "256": "256 colours", "truecolor": "true colours"}
    text = f"{console.width} × {console.height}, {colours.get(console.color_system, console.color_system)}"
    if "utf" not in console.encoding:
        return Finding("terminal", "warn", f"{text}, {console.encoding}", "export LANG=C.UTF-8, to see bars and dashes")
    if console.width < 80 or console.height < 24:
        return Finding(
            "terminal", "warn", f"{text}: the screen wants 80 × 24", "enlarge the window, or shrink the font"
        )
    return Finding("terminal", "ok", text)
