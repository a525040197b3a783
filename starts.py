"""`flask serve` becomes gunicorn before the app is imported: that takes most of a start, and is done once."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from config import Config

GUNICORN_SETTINGS = Path(__file__).resolve().parent / "gunicorn.conf.py"


def is_flask(arguments: Sequence[str]) -> bool:
    """Whether a process with these arguments is `flask …` or `python -m flask …`."""
    program = Path(arguments[0])
    return "flask" in {program.name, program.parent.name}


def become_gunicorn() -> NoReturn:
    """Exits with a word where that would be in vain: a setting is wrong, or the address is taken."""
    try:
        check_address(Config.from_environ())
    except ValueError as error:
        sys.exit(f"Colloquy: {error}")
    arguments = [sys.executable, "-m", "gunicorn", "--config", str(GUNICORN_SETTINGS), "wsgi:served()"]
    os.execv(sys.executable, arguments)  # noqa: S606 - our own Python


def check_address(settings: Config) -> None:
    """Raises ValueError where the address is taken, or not ours."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            address = f"{settings.host}:{settings.port}"
            raise ValueError(
                f"{address} cannot be listened on ({error.strerror}): set HOST or PORT."
            ) from error
