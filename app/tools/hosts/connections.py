"""A connection to an MCP server, over stdio or streamable HTTP, made again when it is found to be gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from httpx2 import AsyncClient, Timeout
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CONNECTION_CLOSED, INVALID_REQUEST, CallToolResult, ContentBlock, Tool

from .outputs import IMAGE_TYPES, Block, cut, output_of, packed

PROGRAM = ("command", "args", "env", "cwd")
SECONDS_TO_CONNECT = 30.0
HTTP_TIMEOUT = Timeout(30.0, read=300.0)  # a server may hold a stream open
SECONDS_TO_WAIT = 10.0  # of a call, for a connection that is being made
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
MOST_PAGES = 50
MOST_ERROR_CHARACTERS = 500
GONE = (CONNECTION_CLOSED, INVALID_REQUEST)  # the latter says that a session is over
Tell = Callable[[Mapping[str, Any]], None]


class Connection:
    """One server, as its settings say. `tell` is called with its tools, or with why it cannot be reached."""

    def __init__(self, settings: Mapping[str, Any], tell: Tell) -> None:
        self._settings, self._tell = settings, tell
        self._client: Client | None = None
        self._is_up, self._is_gone = asyncio.Event(), asyncio.Event()
        self._told: Mapping[str, Any] | None = None

    async def keep(self) -> None:
        """Be connected, for ever; the pauses between failures grow."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._connected():
                    pause = FIRST_PAUSE_SECONDS
                    await self._is_gone.wait()
            except Exception as error:  # noqa: BLE001 - whatever a stranger's server did, it is told
                self._tell_news({"error": in_words(error)})
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def call(self, tool: str, arguments: Mapping[str, Any], most_characters: int) -> Mapping[str, Any]:
        """The result of a tool as it is said over the wire."""
        try:
            async with asyncio.timeout(SECONDS_TO_WAIT):
                await self._is_up.wait()
        except TimeoutError:
            return {"error": "The MCP server cannot be reached just now. Try again later."}
        try:
            result = await self._client.call_tool(tool, dict(arguments))  # type: ignore[union-attr]
        except Exception as error:  # noqa: BLE001 - likewise
            if not _is_gone(error):
                return {"error": in_words(error)}
            self._is_gone.set()
            self._is_up.clear()
            return {"error": f"The MCP server went away: {in_words(error)}. Try once more in a moment."}
        return _reply(result, most_characters)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        async with asyncio.timeout(SECONDS_TO_CONNECT) as connecting, self._made() as client:
            tools = await _listed(client)
            connecting.reschedule(None)
            self._client = client
            self._is_gone.clear()
            self._is_up.set()
            self._tell_news({"tools": [_declared(one) for one in tools]})
            try:
                yield
            finally:
                self._is_up.clear()

    @asynccontextmanager
    async def _made(self) -> AsyncIterator[Client]:
        async with AsyncExitStack() as stack:
            if "command" in self._settings:
                given = {name: one for name, one in self._settings.items() if name in PROGRAM}
                server: Any = StdioServerParameters(**given)
            else:
                http = AsyncClient(headers=self._settings.get("headers"), timeout=HTTP_TIMEOUT)
                await stack.enter_async_context(http)
                server = streamable_http_client(self._settings["url"], http_client=http)
            yield await stack.enter_async_context(Client(server))

    def _tell_news(self, says: Mapping[str, Any]) -> None:
        """Once, and not for each time that it is tried in vain."""
        if says != self._told:
            self._told = says
            self._tell(says)


def in_words(error: BaseException) -> str:
    """What went wrong; of several errors, the first that is one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, MCPError):
        return error.message[:MOST_ERROR_CHARACTERS]
    if isinstance(error, TimeoutError) and not str(error):
        return "it does not answer in time"
    return f"{type(error).__name__}: {error}"[:MOST_ERROR_CHARACTERS]


def _is_gone(error: Exception) -> bool:
    if isinstance(error, MCPError):
        return error.code in GONE
    return not isinstance(error, ValueError)


async def _listed(client: Client) -> Sequence[Tool]:
    found, cursor = list[Tool](), None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


def _declared(tool: Tool) -> Mapping[str, Any]:
    hints = tool.annotations
    return {
        "name": tool.name,
        "description": tool.description or tool.title or "",
        "input_schema": tool.input_schema,
        "needs_approval": bool(hints and hints.destructive_hint),
    }


def _reply(result: CallToolResult, most_characters: int) -> Mapping[str, Any]:
    blocks = [_block(one) for one in result.content]
    texts = [str(one["text"]) for one in blocks if one["type"] == "text"]
    if result.is_error:
        return {
            "error": str(cut("\n".join(texts), most_characters)) or "The tool failed, and did not say why."
        }
    value: Any = blocks if len(texts) < len(blocks) else "\n".join(texts)
    if not blocks and result.structured_content is not None:
        value = result.structured_content
    return packed(cut(output_of(value), most_characters))


def _block(content: ContentBlock) -> Block:
    """As Claude takes it; what Claude does not take is named."""
    match content.type:
        case "text":
            return _text(content.text)
        case "image" if content.mime_type in IMAGE_TYPES:
            source = {"type": "base64", "media_type": content.mime_type, "data": content.data}
            return {"type": "image", "source": source}
        case "resource":
            found = content.resource
            text = getattr(found, "text", None)
            return _text(text if text is not None else f"[{found.uri}: {found.mime_type}, which is not text]")
        case "resource_link":
            return _text(f"{content.name}: {content.uri}")
    return _text(f"[{content.type} of the type {content.mime_type}, which cannot be shown]")


def _text(text: str) -> Block:
    return {"type": "text", "text": text}
