"""Hosts: they end with the server, whatever ends it, and are replaced when they die."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.tools.hosting import LIMITS, call, folder_of, host_process, loaded, wait_until

ROOT = Path(__file__).resolve().parents[2]
SERVER = """
import signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has none
sys.path.insert(0, sys.argv[2])
from tests.tools.hosting import call, loaded
with loaded(folder=sys.argv[1]) as registry:
    for name in ("loop", "stay_with_programs"):
        threading.Thread(target=call, args=(registry, name), daemon=True).start()
    print("loaded", flush=True)
    threading.Event().wait()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_however_the_server_ends_nothing_is_left(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-c", SERVER, folder_of(tmp_path), str(ROOT)]
    with ExitStack() as stack:
        server = stack.enter_context(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT)
        )
        stack.callback(server.kill)
        assert server.stdout
        assert server.stdout.readline() == b"loaded\n"
        process = psutil.Process(server.pid)
        wait_until(lambda: len(process.children(recursive=True)) >= 6)
        started = process.children(recursive=True)
        server.send_signal(how)
        wait_until(lambda: not any(map(_is_alive, started)))


def test_a_host_that_dies_is_replaced_and_its_calls_are_errors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), loaded(folder=folder_of(tmp_path)) as registry:
        host, results = host_process(), list[object]()
        calling = threading.Thread(target=lambda: results.append(call(registry, "loop").content))
        calling.start()
        wait_until(host.children)
        children = host.children()
        host.kill()
        wait_until(lambda: not _is_alive(host))
        assert call(registry, "book", day="Monday").content == "2 on Monday"
        calling.join(10)
        assert results == ["The tool ended before it answered."]
        assert host_process().pid != host.pid
        wait_until(lambda: not any(map(_is_alive, children)))
    assert "the host of tools folder ended and is started again" in caplog.text


def test_a_host_is_told_of_no_secret_and_given_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary")
    with (tmp_path / "open").open("w") as kept, loaded(folder=folder_of(tmp_path)):
        os.set_inheritable(kept.fileno(), True)
        host = host_process()
        assert "sk-ant-canary" not in f"{host.environ()} {host.cmdline()}"
        files = [one.path for one in host.open_files()]
        assert str(tmp_path / "open") not in files


def test_a_host_has_no_terminal_and_is_small(tmp_path: Path) -> None:
    with loaded(folder=folder_of(tmp_path)):
        host = host_process()
        assert os.getsid(host.pid) == host.pid
        assert host.terminal() is None
        assert host.num_threads() == 1
        assert host.memory_info().rss < 60_000_000


def test_after_the_end_a_call_says_so_at_once(tmp_path: Path) -> None:
    with loaded(folder=folder_of(tmp_path)) as registry:
        registry.close()
        began_at = time.monotonic()
        assert call(registry, "book", LIMITS, day="Monday").content == (
            "What runs this tool does not answer. Try again later."
        )
        assert time.monotonic() - began_at < 1


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
