"""desk/kernels/jit.py: machine code of an older state of the kernels is never run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from toy.caller import out; print(out(1))"


def test_a_change_in_a_file_that_a_kernel_calls_is_noticed(tmp_path):
    """numba itself watches the caller's file only: an upgrade would go on running the old scanner."""
    toy = tmp_path / "toy"
    toy.mkdir()
    (toy / "__init__.py").touch()
    source = Path(__file__).resolve().parents[3] / "desk" / "kernels" / "jit.py"
    (toy / "jit.py").write_text(source.read_text())
    (toy / "caller.py").write_text(
        "from toy.jit import kernel\nfrom toy.called import inner\n\n\n@kernel\ndef out(x):\n    return inner(x)\n"
    )
    answers = []
    for plus in (1, 2):
        (toy / "called.py").write_text(
            f"from toy.jit import kernel\n\n\n@kernel\ndef inner(x):\n    return x + {plus}\n"
        )
        run = subprocess.run(
            [sys.executable, "-B", "-c", PROGRAM, str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )
        answers.append(run.stdout.strip())
    assert answers == ["2", "3"]
