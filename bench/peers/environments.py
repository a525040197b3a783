"""Environments of peers, in a folder that is not kept in the repository."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

from bench.failures import Missing
from bench.servers import ROOT

FOLDER = ROOT / ".bench"


def programs_of(peer: str) -> Path:
    """The folder of a peer's programs; what `<peer>.txt` pins is installed where it isn't yet."""
    requirements = Path(__file__).with_name(f"{peer}.txt")
    folder = FOLDER / peer
    mark, wanted = folder / "installed", hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        _install(requirements, folder)
        mark.write_text(wanted)
    return folder / "bin"


def _install(requirements: Path, folder: Path) -> None:
    print(f"Installing {requirements.stem}, once.", file=sys.stderr, flush=True)
    venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(folder)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command = [str(part) for part in (*pip, "--require-hashes", "-r", requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own pip
    if done.returncode:
        raise Missing(
            f"{requirements.stem} could not be installed from the package registry. Without peers: "
            f"`make bench`. What pip said last:\n{done.stderr[-1000:]}"
        )
