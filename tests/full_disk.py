"""A disk that is full for this process, without filling one."""

from __future__ import annotations

import signal
from contextlib import contextmanager

import pytest


@contextmanager
def full_disk(size):
    """No file of this process may grow beyond `size` bytes: what a full disk says, without filling one."""
    resource = pytest.importorskip("resource", reason="needs RLIMIT_FSIZE")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
