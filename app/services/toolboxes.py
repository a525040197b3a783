"""The tools of a session: those of the server's that it allows, and the client's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import Fault, Invalid
from app.extensions import Parts, parts
from app.services import memories
from app.services.pages import Ask, Page, listed
from app.tools import loading
from app.tools.built_in import built_in
from app.tools.fetching import Bounds, fetch_url
from app.tools.loading import Sources
from app.tools.registry import Registry
from app.tools.values import Call, Limits, Tool
from app.turns.rounds import APPROVAL, OURS, THEIRS
from config import Config

LONGEST_LOADING_SECONDS = 10.0


@dataclass(frozen=True)
class Toolbox:
    """`declared` is what Claude is told, in the session's order; `tools` are the server's among them."""

    declared: Sequence[Mapping[str, Any]] = ()
    tools: Mapping[str, Tool] = field(default_factory=dict)
    approvals: frozenset[str] = frozenset()

    def whose(self, call: Call) -> str:
        """Who carries a call out. One that nobody has is answered here, with an error."""
        if call.name in self.tools:
            return APPROVAL if call.name in self.approvals else OURS
        return THEIRS if any(one["name"] == call.name for one in self.declared) else OURS


def bind(of: Parts) -> None:
    """Give an app the tools that every server has, and those that its settings allow."""
    of.tools = Registry(_own(of), of.config.approval)


def load(of: Parts) -> None:
    """Add the tools of the folder and of MCP servers, in the background; for a process that serves."""
    config = of.config
    most = limits(config)
    outside = (config.tools_folder, config.mcp_servers, config.approval, most, config.tool_environ)
    of.tools = loading.begin(Sources(*outside), _own(of))


def limits(config: Config) -> Limits:
    """What a call of a tool may take."""
    return Limits(config.tool_seconds, config.tool_sent_characters, config.tool_kept_characters)


def _own(of: Parts) -> list[Tool]:
    config = of.config
    bounds = Bounds(config.fetchable, config.fetch_seconds, config.fetch_bytes)
    pages = [fetch_url(bounds)] if config.fetchable else []
    return [*built_in(), memories.recall_tool(of.context), *pages]


def of(allowed: Sequence[Any] | None) -> Toolbox:
    """What a session's `tools` mean now; a tool that the server has no more is not offered."""
    if not allowed:
        return Toolbox()
    known = _known()
    named = [(one, _name(one)) for one in allowed]
    tools = {name: known[name] for one, name in named if not is_clients(one) and name in known}
    declared = [
        one if is_clients(one) else known[name].declaration
        for one, name in named
        if is_clients(one) or name in known
    ]
    wanted = {name for one, name in named if isinstance(one, dict) and one.get("approval")}
    asked = {name for name, tool in tools.items() if tool.needs_approval}
    return Toolbox(declared, tools, frozenset(wanted | asked))


def page(ask: Ask) -> Page[Tool]:
    """The server's tools, by name."""
    known = _known()
    rows = [known[name] for name in sorted(known, reverse=ask.is_descending)]
    return listed(rows, lambda tool: tool.name, ask)


def is_clients(one: Any) -> bool:
    """Whether it is a tool of the client's own."""
    return isinstance(one, dict) and "input_schema" in one


def refuse_unknown(allowed: Sequence[Any] | None) -> None:
    """Raises Invalid where the server has no tool of a name, or one is named twice."""
    if not allowed:
        return
    known, seen, faults = _known(), set[str](), list[Fault]()
    for at, one in enumerate(allowed):
        name = _name(one)
        if name in seen:
            faults.append(Fault(f"/tools/{at}", f"{name} is named twice"))
        elif is_clients(one) and name in known:
            faults.append(Fault(f"/tools/{at}", f"{name} is the name of a tool of the server's"))
        elif not is_clients(one) and name not in known:
            faults.append(Fault(f"/tools/{at}", f"there is no tool {name}: GET /tools lists them"))
        seen.add(name)
    if faults:
        raise Invalid("The session cannot have these tools.", faults=faults)


def _known() -> Mapping[str, Tool]:
    """The server's tools; just after its start, sources that still load are waited for."""
    parts().tools.wait(LONGEST_LOADING_SECONDS)
    return parts().tools.tools


def _name(one: Any) -> str:
    return str(one["name"]) if isinstance(one, dict) else str(one)
