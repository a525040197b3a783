"""The drop-in folder: public functions of its Python files are tools. Their code never runs in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from app.claude.stop import Stop
from app.telemetry.logging import logger
from app.tools import timed
from app.tools.hosts.outputs import unpacked
from app.tools.processes import Host
from app.tools.registry import Registry
from app.tools.timed import GivenUp
from app.tools.values import FOLDER, Act, Limits, Scene, Tool, ToolFailed

log_lines = logger("tools")
MEMORY_BYTES = 1_073_741_824  # that a call may take
PROCESSOR_SHARE = 4  # processors that a call may keep busy for all of its time
LOADED_AT_ONCE = 4


def host(limits: Limits, environ: Mapping[str, str]) -> Host:
    """What runs them."""
    seconds = int(limits.seconds * PROCESSOR_SHARE) + 1
    return Host("folder", {"memory_bytes": MEMORY_BYTES, "processor_seconds": seconds}, environ)


def load(folder: Path, host: Host, registry: Registry, limits: Limits) -> None:
    """Put its tools into the registry. A file that cannot be loaded is logged, and left out."""
    paths = [one for one in sorted(folder.glob("*.py")) if not one.name.startswith("_")]
    if not folder.is_dir():
        log_lines.error("the folder of tools %s is not there: make it, or set COLLOQUY_TOOLS_FOLDER", folder)
    with ThreadPoolExecutor(LOADED_AT_ONCE) as pool:
        found = pool.map(lambda path: _tools(path.resolve(), host, limits), paths)
        registry.put(FOLDER, [tool for tools in found for tool in tools])


def _tools(path: Path, host: Host, limits: Limits) -> Sequence[Tool]:
    try:
        declared = timed.run(partial(_ask, host, path, None, {}, limits), Stop(), limits.seconds)
    except (GivenUp, ToolFailed) as error:
        log_lines.error("the tools of %s could not be loaded: %s", path.name, error)
        return ()
    for refused in declared["refused"]:
        log_lines.error("a function of %s is no tool: %s", path.name, refused)
    return [
        Tool(**one, act=_act(host, path, one["name"], limits), source=FOLDER) for one in declared["tools"]
    ]


def _act(host: Host, path: Path, name: str, limits: Limits) -> Act:
    def act(arguments: Mapping[str, Any], scene: Scene) -> Any:
        return unpacked(_ask(host, path, name, arguments, limits, scene.stop))

    return act


def _ask(
    host: Host, path: Path, function: str | None, arguments: Mapping[str, Any], limits: Limits, stop: Stop
) -> Mapping[str, Any]:
    request = {"file": str(path), "function": function, "arguments": dict(arguments)}
    return host.call(request, stop, limits.kept_characters)
