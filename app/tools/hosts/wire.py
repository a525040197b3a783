"""How the server and a host talk: a call is a socket of its own, handed over; a JSON line there, one back.

Who hangs up has no more interest: the host then ends the call. So does the end of the server end the host.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

CHUNK_BYTES = 65_536


def control() -> socket.socket:
    """The host's end of what it is called over: its standard input."""
    return _blocking(0)


def receive(control: socket.socket) -> socket.socket | None:
    """The next call; None where this process may open no more. Raises EOFError when the server is gone."""
    sent, handed_over, _, _ = socket.recv_fds(control, 1, 1)
    if not sent:
        raise EOFError
    return _blocking(handed_over[0]) if handed_over else None


def hand_over(control: socket.socket) -> socket.socket:
    """Begin a call; the end of it that stays here. Raises OSError when the host is gone."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            socket.send_fds(control, [b"."], [theirs.fileno()])
        except OSError:
            ours.close()
            raise
    return ours


def write(connection: socket.socket, value: Any) -> None:
    """Say a JSON value."""
    connection.sendall(json.dumps(value).encode() + b"\n")


def read(connection: socket.socket, most_bytes: int = sys.maxsize) -> Any:
    """The JSON value that is said. Raises EOFError where none is, ValueError for one too long, or no JSON."""
    line = bytearray()
    while not line.endswith(b"\n"):
        chunk = connection.recv(CHUNK_BYTES)
        if not chunk:
            raise EOFError
        line += chunk
        if len(line) > most_bytes:
            raise ValueError(f"more than {most_bytes:,} bytes")
    return json.loads(line)


def _blocking(fd: int) -> socket.socket:
    """A socket that gevent made does not block, wherever it goes."""
    found = socket.socket(fileno=fd)
    found.setblocking(True)
    return found
