"""A real server with tools from outside: a file of functions, and an official MCP server over stdio."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.server.conftest import Server
from tests.support import Api, text_of

WORDS = '''
"""Tools of a test."""

def shout(text: str) -> str:
    """Say it loudly."""
    return text.upper()


def never_end() -> str:
    """Turn round and round."""
    while True:
        pass
'''
SECONDS = 20


def named(api: Api, *names: str) -> list[dict[str, Any]]:
    """The tools of these names, once they are loaded."""
    ends_at = time.monotonic() + SECONDS
    while True:
        listed = {one["name"]: one for one in api.get("/tools").json()["data"]}
        if listed.keys() >= set(names):
            return [listed[name] for name in names]
        assert time.monotonic() < ends_at, sorted(listed)
        time.sleep(0.1)


def test_tools_from_a_folder_and_an_mcp_server_are_used_in_turns(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "words.py").write_text(WORDS)
    servers = tmp_path / "mcp.json"
    command = {
        "command": sys.executable,
        "args": ["-m", "mcp_server_time", "--local-timezone", "Europe/Paris"],
    }
    servers.write_text(json.dumps({"mcpServers": {"time": command}}))
    server = serve(
        COLLOQUY_TOOLS_FOLDER=str(folder), COLLOQUY_MCP_SERVERS=str(servers), COLLOQUY_TOOL_SECONDS="2"
    ).wait_until_ready()
    with server.access() as api:
        shout, clock, _ = named(api, "shout", "mcp__time__get_current_time", "never_end")
        assert (shout["source"], shout["description"]) == ("folder", "Say it loudly.")
        assert clock["input_schema"]["properties"]["timezone"]["type"] == "string"
        session_id = api.session(tools=["shout", "mcp__time__get_current_time", "never_end"])
        loud = api.say(session_id, '[[reply: tool=shout input={"text": "hello"}]]')
        assert "HELLO" in text_of(loud)
        asked = '[[reply: tool=mcp__time__get_current_time input={"timezone": "Asia/Tokyo"}]]'
        assert "Asia/Tokyo" in text_of(api.say(session_id, asked))
        stuck = api.say(session_id, "[[reply: tool=never_end]]")
        assert stuck["status"] == "complete"
        assert "longer than 2 seconds" in text_of(stuck)
        calls = api.get("/traces?tool=never_end&status=timeout").json()["data"]
        assert [one["message_id"] for one in calls] == [stuck["id"]]
