"""MCP servers, named in a file of the usual form. A host talks to them; what the file says may be secret."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from app.telemetry.logging import logger
from app.telemetry.redaction import Redactor
from app.tools.hosts.outputs import unpacked
from app.tools.processes import Host
from app.tools.registry import Registry
from app.tools.values import MCP, Act, Limits, Scene, Tool, ToolFailed

log_lines = logger("tools")
Servers = Mapping[str, Mapping[str, Any]]
NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")
MOST_NAME_CHARACTERS = 128


def read_servers(path: Path) -> Servers:
    """What the file says; a server that is described wrongly is logged, and left out.

    Raises ValueError that says what is wrong with the file. No value of it is ever repeated.
    """
    try:
        servers = json.loads(path.read_text(encoding="utf-8"))["mcpServers"].items()
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError('it must be JSON of the form {"mcpServers": {"name": {…}}}') from None
    found = dict[str, Mapping[str, Any]]()
    for name, settings in servers:
        if wrong := _fault(settings):
            log_lines.error("the MCP server %s is left out: %s", name, wrong)
        elif not settings.get("disabled"):
            found[name] = settings
    return found


def load(servers: Servers, registry: Registry, limits: Limits, environ: Mapping[str, str]) -> None:
    """Put their tools into the registry as they come; those of one that cannot be reached are absent."""
    mask = Redactor(_secrets(servers))

    def told(news: Mapping[str, Any]) -> None:
        source = f"{MCP}:{news['server']}"
        if "error" in news:
            log_lines.warning("the MCP server %s cannot be reached: %s", news["server"], mask(news["error"]))
            registry.put_nothing(source)
            return
        registry.put(source, [_tool(news["server"], one, host, limits, mask) for one in news["tools"]])

    here = {"cwd": str(Path.cwd())}  # the host's own is elsewhere
    host = Host("mcp_servers", {name: here | {**one} for name, one in servers.items()}, environ, told, mask)
    for name in servers:
        registry.expect(f"{MCP}:{name}", host.close)
    host.start()


def _tool(server: str, declared: Mapping[str, Any], host: Host, limits: Limits, mask: Redactor) -> Tool:
    act = _act(server, declared["name"], host, limits, mask)
    name = NOT_IN_A_NAME.sub("_", f"mcp__{server}__{declared['name']}")[:MOST_NAME_CHARACTERS]
    return Tool(**{**declared, "name": name}, act=act, source=f"{MCP}:{server}")


def _act(server: str, tool: str, host: Host, limits: Limits, mask: Redactor) -> Act:
    def act(arguments: Mapping[str, Any], scene: Scene) -> Any:
        request = {"server": server, "tool": tool, "arguments": dict(arguments)}
        try:
            return unpacked(mask.within(host.call(request, scene.stop, limits.kept_characters)))
        except ToolFailed as error:
            raise ToolFailed(mask(str(error))) from None

    return act


def _fault(settings: Any) -> str:
    """What is wrong with how a server is described; empty where nothing is."""
    if not isinstance(settings, dict) or ("command" in settings) == ("url" in settings):
        return "it needs either `command` or `url`"
    wrong = [name for name, is_right in SETTINGS.items() if name in settings and not is_right(settings[name])]
    return f"its `{wrong[0]}` is none" if wrong else ""


def _are_texts(given: Any) -> bool:
    return isinstance(given, dict) and all(isinstance(one, str) for one in given.values())


def _secrets(servers: Servers) -> Iterator[str]:
    """What servers are given in confidence, whole and word by word: of `Bearer …`, also what follows."""
    for settings in servers.values():
        for given in (*settings.get("env", {}).values(), *settings.get("headers", {}).values()):
            yield given
            yield from given.split()


SETTINGS: Mapping[str, Callable[[Any], bool]] = {
    "command": lambda given: isinstance(given, str),
    "args": lambda given: isinstance(given, list) and all(isinstance(one, str) for one in given),
    "env": _are_texts,
    "cwd": lambda given: isinstance(given, str),
    "url": lambda given: isinstance(given, str) and given.startswith(("http://", "https://")),
    "headers": _are_texts,
    "type": lambda given: given in ("stdio", "http", "streamable-http", "streamable_http"),
}
