"""This process among others: its name, and whether another one is known to be gone."""

from __future__ import annotations

import functools
import os
import platform
import secrets
from contextlib import suppress
from pathlib import Path


@functools.cache
def _token(_process: int) -> str:
    """Tells a process from an earlier one with the same number."""
    return secrets.token_hex(4)


@functools.cache
def host() -> str:
    """This host; on Linux with its boot and its process namespace: clones and containers share names."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if not (boot.exists() and namespace.exists()):
        return platform.node()
    return f"{platform.node()}/{boot.read_text().strip()}/{namespace.stat().st_ino}"


def name() -> str:
    """This process, for others to recognise: host, number, token."""
    return f"{host()}:{os.getpid()}:{_token(os.getpid())}"


def is_gone(other: str) -> bool:
    """Whether a process is known to have ended; of other hosts nothing is known."""
    its_host, _, rest = other.partition(":")
    number, _, token = rest.partition(":")
    if its_host != host() or not number.isdigit():
        return False
    if int(number) == os.getpid():
        return token != _token(os.getpid())
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _has_ended(number)


def _has_ended(number: str) -> bool:
    """Whether it only waits for its parent to notice that it has ended, which may take seconds."""
    with suppress(OSError):
        return Path(f"/proc/{number}/stat").read_bytes().rpartition(b")")[2].split()[:1] == [b"Z"]
    return False
