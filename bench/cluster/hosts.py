"""Hosts to run servers on: network namespaces with names of their own, or else addresses of loopback.

Everything is in namespaces, the bridge too, so nothing of it can be reached from outside, nor reach out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

NETWORK = "198.18.0"  # RFC 2544: kept free for measurements of networks
NAMES = ("alder", "birch")
LAB = "COLLOQUY_BENCH_LAB"
RENAMED = ("unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"')


@dataclass(frozen=True)
class Host:
    """Where something runs: its address, and what a command begins with to run there."""

    name: str
    address: str
    prefix: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ground:
    """The middle, where PostgreSQL, nginx and the clients are, and the hosts of the servers."""

    middle: Host
    hosts: tuple[Host, ...]
    says: str


def ground() -> Ground:
    """What there is to stand on: the namespaces that this process was started in, or loopback."""
    lab = os.environ.get(LAB)
    if not lab:
        return loopback()
    prefix = ("ip", "netns", "exec")
    hosts = (
        Host(name, _address(at), (*prefix, f"{lab}-{name}", *RENAMED, name)) for at, name in enumerate(NAMES)
    )
    says = f"Two hosts in network namespaces, with names of their own, on a bridge ({NETWORK}.0/24)."
    return Ground(Host("middle", f"{NETWORK}.1"), tuple(hosts), says)


def loopback() -> Ground:
    """Two addresses of this machine; only Linux has more than one without being asked."""
    addresses = ("127.0.0.2", "127.0.0.3") if sys.platform == "linux" else ("127.0.0.1",) * 2
    hosts = (Host(name, address) for name, address in zip(NAMES, addresses, strict=True))
    says = (
        "Two addresses of loopback stand for two hosts; with root and `ip`, they are network namespaces. "
        "The servers know each other as processes of one machine, so a dead one is noticed at once."
    )
    return Ground(Host("middle", "127.0.0.1"), tuple(hosts), says)


def may_make_namespaces() -> bool:
    """Whether this is Linux with root and the commands for it, tried on one that is removed again."""
    if sys.platform != "linux" or os.geteuid() or not (shutil.which("ip") and shutil.which("unshare")):
        return False
    name = f"{lab_name()}-try"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
    except subprocess.CalledProcessError:
        return False
    return True


def lab_name() -> str:
    """What the names of this process's namespaces begin with."""
    return f"clq{os.getpid()}"


def run_in_namespaces(module: str, arguments: Sequence[str]) -> int:
    """Run a module of ours in the middle of new namespaces; its exit code."""
    lab = lab_name()
    with _namespaces(lab):
        command = ["ip", "netns", "exec", f"{lab}-middle", sys.executable, "-m", module, *arguments]
        return subprocess.run(command, env={**os.environ, LAB: lab}, check=False).returncode


@contextmanager
def _namespaces(lab: str) -> Iterator[None]:
    """A middle with a bridge, and each host on it."""
    try:
        middle = f"{lab}-middle"
        _ip("netns", "add", middle)
        _ip("-n", middle, "link", "set", "lo", "up")
        _ip("-n", middle, "link", "add", "bridge", "type", "bridge")
        _ip("-n", middle, "address", "add", f"{NETWORK}.1/24", "dev", "bridge")
        _ip("-n", middle, "link", "set", "bridge", "up")
        for at, name in enumerate(NAMES):
            _add_host(middle, f"{lab}-{name}", name, _address(at))
        yield
    finally:
        for name in ("middle", *NAMES):
            subprocess.run(["ip", "netns", "del", f"{lab}-{name}"], capture_output=True, check=False)


def _add_host(middle: str, namespace: str, name: str, address: str) -> None:
    _ip("netns", "add", namespace)
    _ip("-n", namespace, "link", "set", "lo", "up")
    _ip("-n", middle, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    _ip("-n", middle, "link", "set", name, "master", "bridge", "up")
    _ip("-n", namespace, "address", "add", f"{address}/24", "dev", "eth0")
    _ip("-n", namespace, "link", "set", "eth0", "up")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, check=True)


def _address(at: int) -> str:
    return f"{NETWORK}.{at + 11}"
