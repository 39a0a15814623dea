"""What is wrong with this machine, this checkout and this configuration, and the line that fixes it.

Each check is a function that looks and never changes anything; it answers with one Finding. Nothing here needs the
network: a venue that cannot be reached is a warning, because the embedded exchange needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from desk.config import Config
from desk.io.doctor.finding import Finding, exit_code, render
from desk.io.doctor.installation import kernels, packages, python
from desk.io.doctor.place import configuration, disk, folder, time_zone
from desk.io.doctor.world import loopback, terminal, venue

__all__ = ["Finding", "examine", "exit_code", "render"]

ROOT = Path(__file__).resolve().parents[3]


def examine(
    config_path: Path,
    read_config: Callable[[Path], Config],
    rest_url: str | None = None,
    root: Path = ROOT,
    timeout_s: float = 3.0,
) -> list[Finding]:
    """Every check, in the order a newcomer meets the things. Takes a few seconds at most.

    `read_config` reads a configuration file or raises (desk.io.config_file.read); `rest_url` is the venue to ask, the
    configured one when None.
    """
    config, about_config = configuration(config_path, read_config)
    status, offset = venue(rest_url or config.venue.rest_url, timeout_s)
    return [
        python(),
        *packages(root / "requirements.lock"),
        kernels(root / "desk" / "kernels"),
        about_config,
        time_zone(config.time_zone),
        *(folder(root / name) for name in (config.journal.dir, config.ultimate_analyzer.report_dir)),
        disk(root),
        loopback(),
        status,
        offset,
        terminal(),
    ]
