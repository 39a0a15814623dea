"""This configuration and this disk."""

from __future__ import annotations

import os
import shutil
import zoneinfo
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from desk.config import Config
from desk.errors import ConfigError
from desk.io.doctor.finding import Finding

DISK_BAD, DISK_WARN = 200_000_000, 2_000_000_000


def configuration(path: Path, read_config: Callable[[Path], Config]) -> tuple[Config, Finding]:
    """The configuration (the defaults while it has faults), and its faults line by line."""
    try:
        config = read_config(path)
    except FileNotFoundError:
        return Config(), Finding("config", "ok", f"{path} is not there yet: the first start writes the defaults")
    except ConfigError as error:
        count = len(error.faults)
        fix = f"correct {path}, or delete it: the next start writes the defaults"
        return Config(), Finding("config", "bad", f"{count} fault{'s' if count != 1 else ''}\n{error}", fix)
    doubts = suspicions(config)
    if doubts:
        return config, Finding("config", "warn", "\n".join(doubts), f"look at these lines of {path}")
    return config, Finding("config", "ok", f"{path}: no faults")


def suspicions(config: Config) -> list[str]:
    """Values that are allowed and still look like a percentage mistaken for a fraction.

    >>> from desk.config import Risk
    >>> suspicions(Config(risk=Risk(daily_loss_pct=0.02)))
    ['daily_loss_pct is 0.02, that is 0.02 %; did you mean 2? - at `$.risk.daily_loss_pct`']
    """
    risk = msgspec.structs.asdict(config.risk)
    return [
        f"{key} is {value:g}, that is {value:g} %; did you mean {100 * value:g}? - at `$.risk.{key}`"
        for key, value in risk.items()
        if key.endswith("_pct") and value < 0.1
    ]


def time_zone(name: str) -> Finding:
    """The zone of the daily schedule, and what time it is there."""
    try:
        zone = zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return Finding("time zone", "bad", f"{name} is unknown", 'write it as "Europe/Berlin" or "UTC"')
    return Finding("time zone", "ok", f"{name}: it is {datetime.now(zone):%H:%M:%S %Z (%z)} there")


def folder(path: Path) -> Finding:
    """Whether a file can be made in this folder, or the folder itself where it does not exist yet."""
    home = next(p for p in (path, *path.absolute().parents) if p.exists())
    name = path.name if len(path.name) > 3 else f"{path.parent.name}/{path.name}"
    if not home.is_dir():
        return Finding(
            name, "bad", f"{home} is a file, not a folder", f"move it away, or name another folder for {path}"
        )
    probe = home / f".probe-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as why:
        return Finding(name, "bad", f"{home} cannot be written ({why.strerror})", f"chmod u+w {home}, or name another")
    return Finding(name, "ok", f"{path} can be written" if home == path else f"{path} will be made by the first start")


def disk(path: Path) -> Finding:
    """Free space where sessions are recorded."""
    free = shutil.disk_usage(path).free
    text = f"{free / 1e9:,.1f} GB free"
    if free < DISK_BAD:
        return Finding("disk", "bad", f"{text}: too little to record a session", "free at least 2 GB")
    if free < DISK_WARN:
        return Finding("disk", "warn", f"{text}: a day of recording may not fit", "free some space, or lower keep_days")
    return Finding("disk", "ok", text)
