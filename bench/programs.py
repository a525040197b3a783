"""Programs of the benchmark's own that hold the app in their process, with nothing of this environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from bench.failures import Missing
from bench.servers import ROOT


def result_of(module: str, *arguments: object) -> Any:
    """What it prints last, which is JSON."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Missing(f"{module} did not run to its end:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
