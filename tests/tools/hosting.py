"""Tools in hosts, as tests use them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from app.claude.stop import Stop
from app.tools.dispatcher import use
from app.tools.loading import Sources, begin
from app.tools.registry import Registry
from app.tools.values import Call, Limits, Result, Scene

LIMITS = Limits(seconds=10, sent_characters=1_000, kept_characters=100_000)
ENVIRON = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
DROPPED_IN = Path(__file__).parent / "dropped_in.py"


@contextmanager
def loaded(limits: Limits = LIMITS, **sources: Any) -> Iterator[Registry]:
    """A registry with all that comes from these sources; at the end no process of it is left."""
    before = set(psutil.Process().children(recursive=True))
    registry = begin(Sources(**{"limits": limits, "environ": ENVIRON, **sources}), ())
    try:
        assert registry.wait(30)
        yield registry
    finally:
        registry.close()
    wait_until(lambda: set(psutil.Process().children(recursive=True)) <= before)


def folder_of(path: Path, **files: str) -> str:
    """A folder with these files of tools, and the one that is dropped in by tests."""
    shutil.copy(DROPPED_IN, path / "dropped_in.py")
    for name, text in files.items():
        (path / f"{name}.py").write_text(text)
    return str(path)


def call(
    registry: Registry, name: str, limits: Limits = LIMITS, stop: Stop | None = None, **given: Any
) -> Result:
    """Call a tool as the dispatcher does."""
    scene = Scene("usr_1", "ses_1", "msg_1", stop or Stop())
    return use(registry.tools, Call("toolu_1", name, given), scene, limits)


def host_process() -> psutil.Process:
    """The one host that runs now."""
    (found,) = host_processes()
    return found


def host_processes() -> list[psutil.Process]:
    """The hosts that run now."""
    return [one for one in psutil.Process().children() if "hosts." in " ".join(one.cmdline())]


def wait_until(holds: Callable[[], Any], seconds: float = 10) -> None:
    ends_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends_at, "it did not come to hold"
        time.sleep(0.02)
