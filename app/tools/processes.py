"""Hosts: programs in which tools run. One ends with this process, and is replaced if it dies."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.claude.stop import Stop
from app.telemetry.logging import logger
from app.telemetry.redaction import Redactor
from app.tools.hosts import wire
from app.tools.values import ToolFailed

log_lines = logger("tools")
HERE = str(Path(__file__).parent)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 60.0  # before a host that died is started again
WAITS_SECONDS = 5.0  # for a host that is being started
SECONDS_TO_END = 8.0  # an MCP server may take a few
PAUSE_SECONDS = 0.05
MOST_LINE_CHARACTERS = 1_000
MOST_BYTES_A_CHARACTER, MOST_BYTES_BESIDES = 6, 1_000_000  # of a reply
Told = Callable[[Mapping[str, Any]], None]


class Host:
    """`python -m hosts.<program>`. It is given `config`; `told` is called with each thing it says by itself.

    Its environment is `environ` and nothing else; `mask` is for what it writes.
    """

    def __init__(
        self,
        program: str,
        config: Mapping[str, Any],
        environ: Mapping[str, str],
        told: Told = lambda _: None,
        mask: Redactor | None = None,
    ) -> None:
        self._program, self._config, self._environ, self._told = program, config, environ, told
        self._mask = mask or Redactor()
        self._control: socket.socket | None = None
        self._is_up, self._is_closed = threading.Event(), threading.Event()
        self._last_lines = deque[str](maxlen=1)
        self._watch = threading.Thread(target=self._keep_it_running, daemon=True)

    def start(self) -> None:
        """Run it from now on, until `close`."""
        self._watch.start()

    def call(self, request: Mapping[str, Any], stop: Stop, most_characters: int) -> Mapping[str, Any]:
        """Its reply. ToolFailed for an error, or where none comes; `stop` hangs up, which ends the call."""
        most_bytes = most_characters * MOST_BYTES_A_CHARACTER + MOST_BYTES_BESIDES
        with self._connected() as connection:
            stop.attach(lambda: _hang_up(connection))
            try:
                wire.write(connection, {**request, "most_characters": most_characters})
                reply = dict(wire.read(connection, most_bytes))
            except (EOFError, OSError):
                raise ToolFailed("The tool ended before it answered.") from None
            except (ValueError, TypeError, RecursionError):
                raise ToolFailed("The tool's answer is too long, or none at all.") from None
        if "error" in reply:
            raise ToolFailed(str(reply["error"]))
        return reply

    def close(self) -> None:
        """End it, and with it what it runs."""
        self._is_closed.set()
        if self._control:
            _hang_up(self._control)
        if self._watch.is_alive():
            self._watch.join(SECONDS_TO_END)

    def _connected(self) -> socket.socket:
        ends_at = time.monotonic() + WAITS_SECONDS
        while not self._is_closed.is_set() and (left := ends_at - time.monotonic()) > 0:
            if self._is_up.wait(left) and self._control:
                with suppress(OSError):  # it died, and this is not known yet
                    return wire.hand_over(self._control)
            time.sleep(PAUSE_SECONDS)
        raise ToolFailed("What runs this tool does not answer. Try again later.")

    def _keep_it_running(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._is_closed.is_set():
            began_at = time.monotonic()
            with suppress(OSError):  # no process can be had just now
                self._run()
            if self._is_closed.is_set():
                return
            says = self._last_lines[-1] if self._last_lines else "it said nothing"
            log_lines.warning("the host of tools %s ended and is started again: %s", self._program, says)
            is_well = time.monotonic() - began_at > LONGEST_PAUSE_SECONDS
            pause = FIRST_PAUSE_SECONDS if is_well else min(pause * 2, LONGEST_PAUSE_SECONDS)
            self._is_closed.wait(pause)

    def _run(self) -> None:
        """Start it, and hear what it says, until it ends."""
        self._control, theirs = socket.socketpair()
        with self._control, theirs:
            process = self._started(theirs)
            theirs.close()
            try:
                self._hear(self._control)
            finally:
                self._is_up.clear()
                _hang_up(self._control)
                _end(process)

    def _started(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603 - a program of ours
            [sys.executable, "-m", f"hosts.{self._program}"],
            cwd=HERE,
            env=dict(self._environ),
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # what a terminal tells the server is not for it
        )
        threading.Thread(target=self._log, args=(process,), daemon=True).start()
        return process

    def _hear(self, control: socket.socket) -> None:
        with wire.hand_over(control) as line:
            wire.write(line, self._config)
            self._is_up.set()
            if self._is_closed.is_set():
                return
            for said in line.makefile("rb"):
                if said.endswith(b"\n"):  # or it died in the middle of it
                    self._told(json.loads(said))

    def _log(self, process: subprocess.Popen[bytes]) -> None:
        with process.stderr as lines:  # type: ignore[union-attr]
            for line in lines:
                says = self._mask(line.decode(errors="replace").strip()[:MOST_LINE_CHARACTERS])
                self._last_lines.append(says)
                log_lines.debug("the host of tools %s says: %s", self._program, says)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _end(process: subprocess.Popen[bytes]) -> None:
    """It ends by itself once nobody is connected; or else it is killed."""
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
