"""An MCP server, made with the official package: over stdio, or streamable HTTP where a port is given."""

from __future__ import annotations

import os
import sys

import anyio
from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452")
server = MCPServer("tests")


@server.tool()
def add(one: int, other: int) -> int:
    """Add two numbers."""
    return one + other


@server.tool()
async def wait(seconds: float) -> str:
    """Wait for some seconds."""
    await anyio.sleep(seconds)
    return "waited"


@server.tool(structured_output=False)
def draw() -> list[object]:
    """Draw a picture."""
    return ["A picture:", Image(data=PNG, format="png")]


@server.tool(annotations=ToolAnnotations(destructive_hint=True))
def wipe() -> None:
    """Delete everything."""


@server.tool(name="read.aloud")
def read_aloud(characters: int) -> str:
    """Say a lot."""
    return "a" + "x" * (characters - 2) + "b"


@server.tool()
def fail() -> str:
    """Fail, and tell a secret."""
    sys.stderr.write(f"failing with {os.environ.get('TOKEN')}\n")
    raise ToolError(f"It did not work with {os.environ.get('TOKEN')}.")


@server.tool()
def tell() -> str:
    """Tell a secret."""
    return str(os.environ.get("TOKEN"))


@server.tool()
def leave() -> None:
    """End the server."""
    os._exit(1)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run()
