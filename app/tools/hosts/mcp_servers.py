"""The host of MCP servers: it keeps the connections, and takes calls, many at once. It alone has asyncio."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from . import wire
from .connections import Connection

MOST_BYTES = 67_108_864  # of a request


def main() -> None:
    """Serve whoever started this program."""
    control = wire.control()
    news = wire.receive(control)
    if news is not None:
        asyncio.run(_serve(control, news))


async def _serve(control: socket.socket, news: socket.socket) -> None:
    """Until the server is gone; then the connections are closed, and the servers that were started end."""
    servers = wire.read(news)
    connections = {name: Connection(one, partial(_tell, news, name)) for name, one in servers.items()}
    tasks = {asyncio.create_task(one.keep()) for one in connections.values()}
    is_over = asyncio.Event()

    def take() -> None:
        try:
            call = wire.receive(control)
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(control)
            is_over.set()
            return
        if call is not None:
            task = asyncio.create_task(_answer(connections, call))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    asyncio.get_running_loop().add_reader(control, take)
    await is_over.wait()
    for one in tasks:
        one.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _answer(connections: Mapping[str, Connection], call: socket.socket) -> None:
    """Until there is a result, or whoever asked hangs up."""
    reader, writer = await asyncio.open_unix_connection(sock=call, limit=MOST_BYTES)
    with suppress(OSError):
        request = json.loads(await reader.readline())
        connection = connections[request["server"]]
        work = asyncio.create_task(
            connection.call(request["tool"], request["arguments"], request["most_characters"])
        )
        hung_up = asyncio.create_task(reader.read(1))
        await asyncio.wait([work, hung_up], return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            writer.write(json.dumps(work.result()).encode() + b"\n")
            await writer.drain()
        work.cancel()
        hung_up.cancel()
    writer.close()


def _tell(news: socket.socket, server: str, says: Mapping[str, Any]) -> None:
    wire.write(news, {"server": server, **says})


if __name__ == "__main__":
    main()
