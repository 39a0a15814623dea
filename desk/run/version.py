"""Which code this is: the release, and the commit where the checkout says."""

from __future__ import annotations

from pathlib import Path

RELEASE = "0.1.0"
ROOT = Path(__file__).resolve().parent.parent.parent


def version() -> str:
    """ "0.1.0+1a2b3c4d5e6f", without the commit outside a git checkout."""
    git = ROOT / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if head.startswith("ref: "):
            ref = head[5:]
            loose = git / ref
            packed = git / "packed-refs"
            head = loose.read_text().strip() if loose.exists() else _packed(packed.read_text(), ref)
    except OSError:
        return RELEASE
    return f"{RELEASE}+{head[:12]}" if head else RELEASE


def _packed(text: str, ref: str) -> str:
    return next((line.split()[0] for line in text.splitlines() if line.endswith(f" {ref}")), "")
