"""A report as a browser shows it: `python -m benchmarks.report_check reports/sample_morning.html [--pictures FOLDER]`.

Headless Chromium opens each file in light and dark on a desktop and a phone, on a tablet and as paper. A finding is a
line on the console, a request for anything but the file, something wider than its place, text on other text, text below
the contrast of WCAG 2.1 AA (4.5:1; 3:1 from 24 px, or bold from 18.66 px), or a file above 2 MB. Folded parts are
opened first. Exits 1 on a finding, 69 without a browser. Not measured: text on a canvas (the movable chart; its
colours are those of the tables).
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import itertools
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from websockets.sync.client import ClientConnection, connect

from desk.errors import DeskError
from desk.io.browser import find_browser

MEASURE = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
SETTLED = "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(r, 50))))"
UNFOLDED = f"document.querySelectorAll('details').forEach(d => {{ d.open = true; }}); {SETTLED}"
MOST_BYTES = 2_000_000
WAIT_S = 30.0
PIECE = 1500  # pixels of height that a picture may have and still be read


class Rendering(NamedTuple):
    """One way to look at a page; paper is A4 less the margins that the style sheet asks for, at 96 px per inch."""

    name: str
    width: int
    dark: bool = False
    paper: bool = False


RENDERINGS = (
    Rendering("desktop light", 1280),
    Rendering("desktop dark", 1280, dark=True),
    Rendering("tablet light", 820),
    Rendering("phone light", 390),
    Rendering("phone dark", 390, dark=True),
    Rendering("paper", 703, paper=True),
    Rendering("paper, dark screen", 703, dark=True, paper=True),
)


class Text(NamedTuple):
    """One piece of text and its contrast, 1 … 21."""

    ratio: float
    least: float
    where: str
    text: str


class Seen(NamedTuple):
    """What one rendering showed: the findings, in words, and its texts by contrast, the worst first."""

    rendering: Rendering
    findings: tuple[str, ...]
    texts: tuple[Text, ...]


def contrast(ink: list[float], ground: list[float]) -> float:
    """(L1 + 0.05) / (L2 + 0.05) of two sRGB colours 0 … 255, the lighter one on top. Source: WCAG 2.1, 1.4.3.

    >>> contrast([0, 0, 0], [255, 255, 255]), round(contrast([119, 119, 119], [255, 255, 255]), 2)
    (21.0, 4.48)
    """
    high, low = sorted((_luminance(ink), _luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: list[float]) -> float:
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


class Browser:
    """A page of a headless Chromium, spoken to over its DevTools protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.numbers, self.session = socket, itertools.count(1), ""
        self.events: list[dict[str, Any]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """The answer to one command; what else happens is kept in `events`. Raises RuntimeError when refused."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        self.socket.send(msgspec.json.encode(message | ({"sessionId": self.session} if self.session else {})).decode())
        while (said := self._heard()).get("id") != number:
            self.events.append(said)
        if "error" in said:
            raise RuntimeError(f"{method}: {said['error']['message']}")
        return dict(said["result"])

    def wait(self, method: str) -> None:
        """Until an event of that name has come. Raises TimeoutError."""
        while not any(e.get("method") == method for e in self.events):
            self.events.append(self._heard())

    def value(self, script: str) -> Any:
        """What a script gives, awaited. Raises RuntimeError with what it threw."""
        said = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in said:
            raise RuntimeError(said["exceptionDetails"]["exception"].get("description", "a script failed"))
        return said["result"].get("value")

    def _heard(self) -> dict[str, Any]:
        return dict(msgspec.json.decode(self.socket.recv(timeout=WAIT_S)))


@contextlib.contextmanager
def browser(program: str) -> Iterator[Browser]:
    """A fresh Chromium without history, ended with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        quiet = ("--disable-background-networking", "--disable-component-update", "--no-first-run", "--mute-audio")
        plain = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
        ours = ("--remote-debugging-port=0", f"--user-data-dir={home}", "--force-color-profile=srgb", "about:blank")
        started = subprocess.Popen(
            (program, *quiet, *plain, *ours), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            with connect(_address(Path(home) / "DevToolsActivePort", started), max_size=None, proxy=None) as socket:
                yield Browser(socket)
        finally:
            started.terminate()
            started.wait(WAIT_S)


def _address(file: Path, started: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        if started.poll() is not None:
            raise RuntimeError(f"Chromium ended at once with {started.returncode}")
        with contextlib.suppress(FileNotFoundError, ValueError):
            port, path = file.read_text().split()
            return f"ws://127.0.0.1:{port}{path}"
        time.sleep(0.02)
    raise TimeoutError(f"Chromium did not open its DevTools port within {WAIT_S:g} s")


def look(page: Browser, file: Path, rendering: Rendering, pictures: Path | None = None) -> Seen:
    """Open `file` that way and measure it; with `pictures`, keep it there as PNG pieces from top to bottom."""
    url = file.resolve().as_uri()
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if rendering.dark else "light"}]
    page.ask("Emulation.setEmulatedMedia", media="print" if rendering.paper else "screen", features=scheme)
    _size(page, rendering, 900)
    page.events.clear()
    if "errorText" in (opened := page.ask("Page.navigate", url=url)):
        raise FileNotFoundError(f"{file}: {opened['errorText']}")
    page.wait("Page.loadEventFired")
    page.value(SETTLED)
    _size(page, rendering, math.ceil(page.value("document.documentElement.scrollHeight")))
    page.value(SETTLED)
    if pictures is not None:
        _keep(page, pictures / f"{file.stem}-{rendering.name.replace(',', '').replace(' ', '-')}", rendering.width)
    page.value(UNFOLDED)
    findings = [finding for event in page.events if (finding := _told(event, url))]
    try:
        _size(page, rendering, math.ceil(page.value("document.documentElement.scrollHeight")))
        measured = page.value(MEASURE)
    except RuntimeError as e:
        return Seen(rendering, (*findings, f"could not be measured: {e}"), ())
    findings += [f"{what} is {by} px wider than its place" for what, by in measured["overflow"]]
    findings += [f"{one} lies on {other}" for one, other in measured["overlaps"]]
    texts = sorted({_text(t) for t in measured["texts"]})
    findings += [f"contrast {t.ratio:.2f} below {t.least}: {t.where} {t.text!r}" for t in texts if t.ratio < t.least]
    if not texts:
        findings.append("no text is visible")
    return Seen(rendering, tuple(dict.fromkeys(findings)), tuple(texts))


def _size(page: Browser, rendering: Rendering, height: int) -> None:
    page.ask(
        "Emulation.setDeviceMetricsOverride",
        width=rendering.width,
        height=height,
        deviceScaleFactor=1,
        mobile=rendering.width < 500,
    )


def _keep(page: Browser, stem: Path, width: int) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    height = page.value("document.documentElement.scrollHeight")
    for number, top in enumerate(range(0, height, PIECE)):
        clip = {"x": 0, "y": top, "width": width, "height": min(PIECE, height - top), "scale": 1}
        shot = page.ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        stem.with_name(f"{stem.name}-{number}.png").write_bytes(base64.b64decode(shot["data"]))


def _text(t: dict[str, Any]) -> Text:
    large = t["px"] >= 24 or (t["bold"] and t["px"] >= 18.66)
    return Text(round(contrast(t["ink"], t["ground"]), 2), 3.0 if large else 4.5, t["where"], t["text"])


def _told(event: dict[str, Any], url: str) -> str:
    """A finding in words, "" for an event that is none."""
    said, params = event.get("method"), event.get("params", {})
    if said == "Network.requestWillBeSent":
        asked = params["request"]["url"]
        return "" if asked.split("#")[0] == url or asked.startswith("data:") else f"asks for {asked}"
    if said == "Runtime.exceptionThrown":
        details = params["exceptionDetails"]
        return f"exception: {details.get('exception', {}).get('description', details['text'])}"
    if said == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
        return f"console: {' '.join(str(a.get('value', a.get('description', ''))) for a in params['args'])}"
    if said == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
        return f"console: {params['entry']['text']}"
    return ""


def check(file: Path, page: Browser, pictures: Path | None = None) -> list[Seen]:
    """`file` in every rendering."""
    seen = [look(page, file, rendering, pictures) for rendering in RENDERINGS]
    if (size := file.stat().st_size) > MOST_BYTES:
        seen[0] = seen[0]._replace(findings=(*seen[0].findings, f"{size:,} bytes, more than {MOST_BYTES:,}"))
    return seen


def main() -> int:
    """Say per file and rendering how many texts were read, the worst contrasts, and the findings."""
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("files", nargs="+", type=Path, metavar="FILE")
    args.add_argument("--pictures", type=Path, metavar="FOLDER", help="keep what was seen as PNG files")
    args.add_argument("--worst", type=int, default=1, metavar="N", help="contrasts to name per rendering")
    options = args.parse_args()
    try:
        program = find_browser()
    except DeskError as e:
        print(e, file=sys.stderr)
        return 69
    if missing := [str(file) for file in options.files if not file.is_file()]:
        args.error(f"no such file: {', '.join(missing)}; ./run --mode ultimate --once makes reports")
    bad = 0
    with browser(program) as page:
        for file in options.files:
            print(f"{file.name}: {file.stat().st_size:,} bytes")
            for s in check(file, page, options.pictures):
                bad += len(s.findings)
                print(f"  {s.rendering.name}: {len(s.texts)} texts, {len(s.findings) or 'no'} findings")
                for t in s.texts[: options.worst]:
                    print(f"    lowest contrast {t.ratio:.2f} of {t.least}: {t.where} {t.text!r}")
                for finding in s.findings:
                    print(f"    FINDING {finding}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
