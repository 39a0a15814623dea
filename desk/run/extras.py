"""PNG and PDF beside a report's HTML, for who asked for them: made last, and never at the report's cost."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from desk.errors import ConfigError, DeskError
from desk.io.browser import KINDS, draw, find_browser
from desk.wholefile import write_whole


def wanted(options: argparse.Namespace) -> tuple[str, ...]:
    """The extras a command line asks for; raises ConfigError where there are no reports to draw."""
    kinds = tuple(kind for kind in KINDS if getattr(options, kind))
    if kinds and options.mode not in ("ultimate", "hybrid"):
        said = " ".join(f"--{kind}" for kind in kinds)
        raise ConfigError([f"{said}: --mode {options.mode} makes no reports; leave it out, or use ultimate or hybrid"])
    return kinds


def make_extras(
    pages: Sequence[Path],
    kinds: tuple[str, ...],
    made: Callable[[Path], None],
    failed: Callable[[str], None],
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Each of `pages` (HTML) as each of `kinds`, beside it under its name; `made` hears the path of every file.

    The first fault ends it, for a browser that fails at one page fails at all: `failed` hears one line, with the fix.
    `stop` ends it without a word, also while a page is drawn.
    """
    done = 0
    try:
        browser = find_browser() if kinds and pages else ""
        for page in pages if kinds else ():
            if stop():
                return
            for kind, data in draw(page.read_text(encoding="utf-8"), kinds, browser, stop=stop).items():
                path = page.with_suffix(f".{kind}")
                write_whole(path, data)
                made(path)
            done += 1
    except (DeskError, OSError) as e:
        if stop():
            return  # nobody waits for them any more
        missing = " and ".join(kind.upper() for kind in kinds)
        failed(f"{e}. The reports themselves are whole; {missing} of {len(pages) - done} of {len(pages)} are missing.")
