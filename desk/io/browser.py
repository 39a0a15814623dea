"""A page as PNG and PDF, drawn by the Chromium or Chrome of the machine: headless, without network, limited in time.

The page is handed over as text through two pipes (Chrome DevTools Protocol, `--remote-debugging-pipe`: descriptor 3 is
what the browser hears, 4 what it says, JSON messages that end with a zero byte): no file for the browser to find, no
port for anybody else to connect to. Scripts do not run; a report reads without them. The browser gets a profile of its
own, which is deleted, a process group of its own, which is ended whatever happens, and of the environment only what it
needs: no key.
Source: https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import contextlib
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from desk.errors import DeskError

CHROME_PATH = "CHROME_PATH"  # names a browser that is not where they usually are
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # no name and no address leads anywhere
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--password-store=basic",
    "--use-mock-keychain",
)
NEEDS = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "FONTCONFIG_FILE",
    "FONTCONFIG_PATH",
    "XDG_RUNTIME_DIR",
)
KINDS = ("png", "pdf")
LIMIT_S = 30.0  # a report of 30 mornings takes 1.7 s for both, start included
LEAVES_S, LOOKS_S = 2.0, 0.2
WIDTH, TALLEST = 1100, 16_000  # CSS pixels; Chromium draws nothing beyond 16 384: a longer page is drawn smaller
A4 = {"paperWidth": 8.27, "paperHeight": 11.69}  # inches
ZERO = b"\x00"


def find_browser(environ: Mapping[str, str] = os.environ, places: tuple[str, ...] = PLACES) -> str:
    """The path of a browser: $CHROME_PATH, else the first of the usual names and places.

    Raises DeskError saying what was looked for, and the fix.
    """
    if not hasattr(os, "posix_spawn"):
        raise DeskError("PNG and PDF need Linux or macOS; open the HTML in a browser and print it from there")
    if named := environ.get(CHROME_PATH):
        if found := shutil.which(named):
            return found
        raise DeskError(f"{CHROME_PATH}={named}: no such program; correct it, or unset it to look in the usual places")
    path = environ.get("PATH", "")
    for name in (*NAMES, *places):
        if found := shutil.which(name, path=path):
            return found
    raise DeskError(
        f"no browser for PNG and PDF: looked for {', '.join(NAMES)} in PATH, and for Chrome, Chromium and Edge in "
        f"/Applications; install one (sudo apt install chromium), or set {CHROME_PATH}=/path/to/chrome"
    )


def draw(
    html: str,
    kinds: tuple[str, ...],
    browser: str,
    limit_s: float = LIMIT_S,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, bytes]:
    """The page as each of `kinds` ("png": its whole length at 1100 pixels, light; "pdf": A4, as it prints).

    Raises DeskError naming the browser, what went wrong and the fix, also once `stop`, asked five times a second, says
    so; no process is left behind then either.
    """
    kinds = tuple(kind for kind in KINDS if kind in kinds)
    try:
        with tempfile.TemporaryDirectory(prefix="report-", ignore_cleanup_errors=True) as profile:
            session = _Session(browser, Path(profile), limit_s, stop)
            try:
                session.open(html)
                drawn = {kind: session.png() if kind == "png" else session.pdf() for kind in kinds}
                session.leave()
                return drawn
            finally:
                session.end()
    except OSError as e:
        raise DeskError(f"{browser}: could not be used for PNG and PDF ({e.strerror or e}); see that it starts") from e
    except (msgspec.MsgspecError, LookupError, TypeError, ValueError) as e:
        raise DeskError(f"{browser}: answered as no Chromium does ({e}); set {CHROME_PATH} to another one") from e


class _Fault(msgspec.Struct, frozen=True):
    message: str = "no reason given"


class _Said(msgspec.Struct, frozen=True):
    """An answer; events, which have no id, are passed over."""

    id: int = 0
    result: dict[str, Any] = {}
    error: _Fault | None = None


class _Session:
    """One browser, one page, and the end of both."""

    def __init__(self, browser: str, profile: Path, limit_s: float, stop: Callable[[], bool]) -> None:
        self.browser, self.log, self.limit_s, self.stop = browser, profile / "said", limit_s, stop
        self.deadline = time.monotonic() + limit_s
        self.heard, self.count, self.page, self.gone = bytearray(), 0, "", False
        ours: list[int] = []
        theirs: list[int] = []
        try:
            for kept, given in ((1, 0), (0, 1)):  # we write what it reads at 3, and read what it writes at 4
                pair = os.pipe()
                ours.append(pair[kept])
                theirs.append(pair[given])
            self.hears, self.says = ours
            os.set_blocking(self.hears, False)
            self.pid = _start(browser, profile, self.log, theirs)
        except OSError:
            for fd in ours:
                os.close(fd)
            raise
        finally:
            for fd in theirs:
                os.close(fd)

    def open(self, html: str) -> None:
        """The page, laid out for a screen of 1100 pixels."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.page = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Network.enable")
        nowhere = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        self.ask("Network.emulateNetworkConditions", **nowhere)
        self.ask("Emulation.setScriptExecutionDisabled", value=True)
        light = [{"name": "prefers-color-scheme", "value": "light"}]
        self.ask("Emulation.setEmulatedMedia", media="", features=light)
        size = {"width": WIDTH, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        frame = self.ask("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self.ask("Page.setDocumentContent", frameId=frame, html=html)

    def png(self) -> bytes:
        """The page from its top to its end."""
        height = self.ask("Page.getLayoutMetrics")["cssContentSize"]["height"]
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": height, "scale": min(1.0, TALLEST / max(height, 1))}
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])

    def pdf(self) -> bytes:
        """The page as its rules for printing want it."""
        asked = {"printBackground": True, "preferCSSPageSize": False, "generateDocumentOutline": True}
        return base64.b64decode(self.ask("Page.printToPDF", **asked, **A4)["data"])

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one call; what the browser says besides is passed over."""
        self.count += 1
        call = {"id": self.count, "method": method, "params": params} | ({"sessionId": self.page} if self.page else {})
        self._write(msgspec.json.encode(call) + ZERO)
        while True:
            said = msgspec.json.decode(self._message(), type=_Said)
            if said.id == self.count and said.error is not None:
                raise DeskError(f"{self.browser}: {method}: {said.error.message}; install a newer one")
            if said.id == self.count:
                return said.result

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._wait(self.hears, writing=True)
            try:
                rest = rest[os.write(self.hears, rest) :]
            except BrokenPipeError:
                raise self._fault("ended") from None

    def _message(self) -> bytes:
        begin = 0
        while (end := self.heard.find(ZERO, begin)) < 0:
            begin = len(self.heard)
            self._wait(self.says, writing=False)
            data = os.read(self.says, 1 << 20)
            if not data:
                raise self._fault("ended")
            self.heard += data
        message = bytes(self.heard[:end])
        del self.heard[: end + 1]
        return message

    def _wait(self, fd: int, *, writing: bool) -> None:
        waiting = select.poll()
        waiting.register(fd, select.POLLOUT if writing else select.POLLIN)
        while (left_s := self.deadline - time.monotonic()) > 0.0:
            if self.stop():
                raise self._fault("was stopped before it was done")
            if waiting.poll(1000.0 * min(left_s, LOOKS_S)):
                return
        raise self._fault(f"gave no answer within {self.limit_s:g} s and was stopped")

    def _fault(self, what: str) -> DeskError:
        lines = self.log.read_text(errors="replace").split("\n") if self.log.exists() else []
        lines = [line.strip()[:200] for line in lines if line.strip()]
        last = next((line for line in lines if "FATAL" in line), lines[-1] if lines else "it said nothing")
        return DeskError(
            f"{self.browser} {what} (last words: {last}); see that `{Path(self.browser).name} --version` works, or set "
            f"{CHROME_PATH} to another one"
        )

    def leave(self) -> None:
        """Ask it to go, which lets it tidy up, and give it a moment."""
        self.page = ""
        with contextlib.suppress(DeskError):  # gone before it answered: that was the wish
            self.ask("Browser.close")
        until = min(self.deadline, time.monotonic() + LEAVES_S)
        while not self.gone and time.monotonic() < until:
            time.sleep(0.01)
            self.gone = os.waitpid(self.pid, os.WNOHANG)[0] == self.pid

    def end(self) -> None:
        """Nothing is left of the browser or of what it started."""
        for fd in (self.hears, self.says):
            os.close(fd)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if not self.gone:
            os.waitpid(self.pid, 0)


def _start(browser: str, profile: Path, log: Path, pipes: list[int]) -> int:
    """Its process id, which is that of its group; `pipes` become its descriptors 3 and 4."""
    import fcntl  # not on Windows

    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # as root it does not start with one
    command = [browser, *OPTIONS, *sandbox, f"--user-data-dir={profile}", "about:blank"]
    around = {name: os.environ[name] for name in NEEDS if name in os.environ}
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in pipes]  # neither stands where the other has to go
    try:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(log), os.O_WRONLY | os.O_CREAT, 0o600),
            *((os.POSIX_SPAWN_DUP2, fd, 3 + i) for i, fd in enumerate(high)),
        ]
        return os.posix_spawn(
            browser, command, around, file_actions=actions, setpgroup=0, setsigdef=[signal.SIGPIPE, signal.SIGINT]
        )
    finally:
        for fd in high:
            os.close(fd)
