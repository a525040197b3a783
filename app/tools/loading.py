"""Tools from outside, loaded in the background, so that the server need not wait for them to start."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from app.telemetry.logging import logger
from app.tools import folder, mcp_servers
from app.tools.registry import Registry
from app.tools.values import FOLDER, Limits, Tool

log_lines = logger("tools")


@dataclass(frozen=True)
class Sources:
    """Where tools come from besides the server: a folder, a file that names MCP servers; empty for none.

    `approval` names tools that need it whatever their source says; `environ` is all that programs started
    for tools have of the environment.
    """

    folder: str = ""
    mcp_servers: str = ""
    approval: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)
    environ: Mapping[str, str] = field(default_factory=dict)


def begin(sources: Sources, tools: Iterable[Tool]) -> Registry:
    """A registry of these tools, to which those of the sources come once they are loaded. To be closed."""
    registry = Registry(tools, sources.approval)
    if sources.folder:
        host = folder.host(sources.limits, sources.environ)
        registry.expect(FOLDER, host.close)
        host.start()
        load = partial(folder.load, Path(sources.folder), host, registry, sources.limits)
        threading.Thread(target=load, daemon=True).start()
    if sources.mcp_servers:
        _begin_mcp(sources, registry)
    if registry.wait(0):
        registry.check_approval()
    return registry


def _begin_mcp(sources: Sources, registry: Registry) -> None:
    try:
        servers = mcp_servers.read_servers(Path(sources.mcp_servers))
    except ValueError as error:
        log_lines.error("the MCP servers of %s are left out: %s", sources.mcp_servers, error)
        return
    if servers:
        mcp_servers.load(servers, registry, sources.limits, sources.environ)
