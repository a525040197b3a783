"""The host of the drop-in folder: each call has a process of its own, and imports its file anew."""

from __future__ import annotations

import gc
import importlib.util
import inspect
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from . import wire
from .children import Children
from .functions import Described, Function, call, describe
from .outputs import cut, output_of, packed

OPEN_FILES = 1_024
APPROVAL = "APPROVAL"  # a file's list of its functions that need it
MOST_ERROR_CHARACTERS = 2_000


def main() -> None:
    """Serve whoever started this program."""
    control = wire.control()
    first = wire.receive(control)
    if first is None:
        return
    limits = wire.read(first)
    describe(_reply)  # what pydantic makes when it is first used, each child then has
    gc.freeze()  # or each child would copy what its collector marks
    Children(control, partial(answer, limits)).serve()


def answer(limits: Mapping[str, int], connection: socket.socket) -> None:
    """Do what is asked: say what a file has, or call one of its functions."""
    request = wire.read(connection)
    _be_limited(limits["memory_bytes"], limits["processor_seconds"])
    try:
        reply = _reply(request)
    except BaseException as error:  # noqa: BLE001 - also sys.exit(): whatever it is, it is told
        reply = {"error": _said(error)}
    wire.write(connection, reply)


def _reply(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a file has, or what a function of it returns."""
    path = Path(request["file"])
    os.chdir(path.parent)
    module = _imported(path)
    if request["function"] is None:
        return _declared(module)
    value = call(getattr(module, request["function"]), request["arguments"])
    return packed(cut(output_of(value), request["most_characters"]))


def _imported(path: Path) -> ModuleType:
    """The module of a file, which may import others from its folder."""
    sys.path.insert(0, str(path.parent))
    name = f"tools_of_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is no module of Python's")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _declared(module: ModuleType) -> Mapping[str, Any]:
    found, refused = list[Described](), list[str]()
    for function in _functions(module):
        try:
            found.append(describe(function))
        except TypeError as error:
            refused.append(str(error))
    approval = set(getattr(module, APPROVAL, ()))
    if unknown := approval - {one.name for one in found}:
        raise ValueError(f"{APPROVAL} names what is no tool: {', '.join(map(str, unknown))}")
    tools = [
        {
            "name": one.name,
            "description": one.description,
            "input_schema": one.input_schema,
            "needs_approval": one.name in approval,
        }
        for one in found
    ]
    return {"tools": tools, "refused": refused}


def _functions(module: ModuleType) -> Iterator[Function]:
    """Those that the file itself defines, and not for itself only."""
    for name, one in vars(module).items():
        if inspect.isfunction(one) and one.__module__ == module.__name__ and not name.startswith("_"):
            yield one


def _be_limited(memory_bytes: int, processor_seconds: int) -> None:
    """What this process may take of the machine. Where memory runs out, it is the first to be killed."""
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_CPU, processor_seconds)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _limit(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with suppress(ValueError, OSError):  # not every system has every limit
        resource.setrlimit(kind, (least, least))


def _said(error: BaseException) -> str:
    """In brief, without where it was; an error may even fail to say what it is."""
    try:
        return f"{type(error).__name__}: {error}"[:MOST_ERROR_CHARACTERS]
    except BaseException:  # noqa: BLE001
        return type(error).__name__


if __name__ == "__main__":
    main()
