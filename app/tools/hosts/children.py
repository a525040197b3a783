"""One process for each call, forked from this one, which stays small, has one thread, and runs nobody's code.

A call whose asker hangs up is killed with all that it started; when the server is gone, all calls are.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from . import wire

Answer = Callable[[socket.socket], None]
SET_PARENT_DEATH_SIGNAL, SET_CHILD_SUBREAPER = 1, 36  # of Linux's prctl
CONNECTION = 3  # a child's only open file, besides the first three, which lead nowhere
SECONDS_TO_END = 2.0


class Children:
    """The calls that are made now. `answer` is what a child does with the connection it is given."""

    def __init__(self, control: socket.socket, answer: Answer) -> None:
        self._control, self._answer, self._pid = control, answer, os.getpid()
        self._calls: dict[int, socket.socket] = {}
        self._waking, self._waker = socket.socketpair()
        for one in (self._waking, self._waker):
            one.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._poll = select.poll()
        for one in (control, self._waking):
            self._poll.register(one, select.POLLIN)
        _ask_linux(SET_CHILD_SUBREAPER, 1)

    def serve(self) -> None:
        """Take calls until the server is gone; then leave nothing behind."""
        with suppress(EOFError, OSError):
            while True:
                self._look()
        ends_at = time.monotonic() + SECONDS_TO_END
        while self._reap() and time.monotonic() < ends_at:
            for pid in self._calls:
                _kill(pid)
            time.sleep(0.01)

    def _look(self) -> None:
        pids = {one.fileno(): pid for pid, one in self._calls.items()}
        for fd, _ in self._poll.poll():
            if fd == self._control.fileno():
                self._begin()
            elif fd == self._waking.fileno():
                self._waking.recv(wire.CHUNK_BYTES)
            else:  # whoever asked has hung up
                self._poll.unregister(fd)
                _kill(pids[fd])
        self._reap()

    def _begin(self) -> None:
        connection = wire.receive(self._control)
        if connection is None:
            return
        pid = _fork()
        if pid == 0:
            self._be_a_child(connection)
        if pid is None:
            connection.close()
            return
        with suppress(OSError):
            os.setpgid(pid, pid)  # the child does it too: whoever comes first
        self._calls[pid] = connection
        self._poll.register(connection, 0)

    def _be_a_child(self, connection: socket.socket) -> NoReturn:
        try:
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _ask_linux(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
            if os.getppid() == self._pid:  # it may have died before
                self._answer(_let_go_of_all_but(connection))
        finally:
            os._exit(0)  # without waiting for threads, and whatever was raised

    def _reap(self) -> bool:
        """Forget those that ended, and kill what they left running; whether any child is left."""
        with suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                self._forget(pid)
            self._kill_strays()
            return True
        return False

    def _forget(self, pid: int) -> None:
        connection = self._calls.pop(pid, None)
        if connection is not None:
            _kill(pid)
            with suppress(KeyError):
                self._poll.unregister(connection)
            connection.close()

    def _kill_strays(self) -> None:
        """What left its group and lost its parent is a child of this process now, on Linux."""
        with suppress(OSError):
            children = Path(f"/proc/self/task/{self._pid}/children").read_text().split()
            for pid in {int(one) for one in children} - self._calls.keys():
                os.kill(pid, signal.SIGKILL)


def _fork() -> int | None:
    """As os.fork; None where there may be no more processes."""
    try:
        return os.fork()
    except OSError:
        return None


def _kill(pid: int) -> None:
    """A call's process and all of its group."""
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def _let_go_of_all_but(connection: socket.socket) -> socket.socket:
    """Close whatever a child must not reach: other calls, and the server's line to this host."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in range(CONNECTION):
        os.dup2(nowhere, fd)
    os.dup2(connection.fileno(), CONNECTION, inheritable=False)
    os.closerange(CONNECTION + 1, os.sysconf("SC_OPEN_MAX"))
    return socket.socket(fileno=CONNECTION)


def _ask_linux(what: int, value: int) -> None:
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(what, value, 0, 0, 0)
