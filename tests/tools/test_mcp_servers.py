"""MCP servers: real ones, over stdio and over streamable HTTP."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.claude.stop import Stop
from app.tools.mcp_servers import read_servers
from app.tools.registry import Registry
from tests.servers import free_port
from tests.tools.hosting import LIMITS, call, host_processes, loaded, wait_until

SERVER = str(Path(__file__).parent / "an_mcp_server.py")
SECRET = "hunter2-the-password"
OVER_STDIO = {"command": sys.executable, "args": [SERVER], "env": {"TOKEN": SECRET}}


@contextmanager
def listening(port: int) -> Iterator[str]:
    """The server over HTTP; its address."""
    environ = {**os.environ, "TOKEN": SECRET}
    with subprocess.Popen(
        [sys.executable, SERVER, str(port)], env=environ, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_until(lambda: answers(port), 30)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.kill()


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def file_of(folder: Path, **servers: Any) -> str:
    path = folder / "mcp.json"
    path.write_text(json.dumps({"mcpServers": servers}))
    return str(path)


@pytest.fixture(scope="module", params=["stdio", "http"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("mcp")
    if request.param == "stdio":
        with loaded(mcp_servers=file_of(folder, ours=OVER_STDIO)) as found:
            yield found
        return
    with listening(free_port()) as url:
        settings = {
            "type": "http",
            "url": url,
            "headers": {"Authorization": f"Bearer {SECRET}"},
            "env": {"T": SECRET},
        }
        with loaded(mcp_servers=file_of(folder, ours=settings)) as found:
            yield found


def test_an_official_server_is_used_over_stdio(tmp_path: Path) -> None:
    official = {"command": sys.executable, "args": ["-m", "mcp_server_time", "--local-timezone", "UTC"]}
    with loaded(mcp_servers=file_of(tmp_path, time=official)) as found:
        assert [*found.tools] == ["mcp__time__get_current_time", "mcp__time__convert_time"]
        result = call(found, "mcp__time__get_current_time", timezone="Asia/Kolkata")
        assert json.loads(str(result.content))["timezone"] == "Asia/Kolkata"
        result = call(found, "mcp__time__get_current_time", timezone="Nowhere/Land")
        assert result.is_error
        assert "Invalid timezone" in str(result.content)
        result = call(found, "mcp__time__convert_time")
        assert '"source_timezone" is a required property' in str(result.content)


def test_its_tools_are_told_with_the_names_of_the_server_before_theirs(registry: Registry) -> None:
    names = ("add", "wait", "draw", "wipe", "read_aloud", "fail", "tell", "leave")
    assert [*registry.tools] == [f"mcp__ours__{name}" for name in names]
    add = registry.tools["mcp__ours__add"]
    assert add.description == "Add two numbers."
    assert add.input_schema["required"] == ["one", "other"]
    assert add.source == "mcp:ours"
    assert [one.name for one in registry.tools.values() if one.needs_approval] == ["mcp__ours__wipe"]


def test_they_are_called(registry: Registry) -> None:
    assert call(registry, "mcp__ours__add", one=1, other=2).content == "3"
    picture = call(registry, "mcp__ours__draw").content
    assert [one["type"] for one in picture] == ["text", "image"]  # type: ignore[index]
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgoAAAANSUhEUg=="}
    assert picture[1]["source"] == source  # type: ignore[index]
    assert call(registry, "mcp__ours__wipe").status == "ok"


def test_what_is_long_is_cut_to_what_may_be_kept(registry: Registry) -> None:
    result = call(registry, "mcp__ours__read_aloud", characters=1_000_000)
    assert str(result.content) == f"a{'x' * 499}\n[… 999,000 characters left out …]\n{'x' * 499}b"


def test_an_error_of_the_server_is_an_error_without_its_secret(registry: Registry) -> None:
    result = call(registry, "mcp__ours__fail")
    assert result.is_error
    assert "It did not work with [secret]." in str(result.content)
    assert call(registry, "mcp__ours__tell").content == "[secret]"


def test_many_calls_are_made_at_once(registry: Registry) -> None:
    began_at = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda _: call(registry, "mcp__ours__wait", seconds=1).content, range(20)))
    assert results == ["waited"] * 20
    assert time.monotonic() - began_at < 8


def test_a_call_that_takes_too_long_or_is_cancelled_is_given_up_and_others_go_on(registry: Registry) -> None:
    stop = Stop()
    threading.Timer(0.3, stop.set, ["cancelled"]).start()
    assert call(registry, "mcp__ours__wait", stop=stop, seconds=60).status == "cancelled"
    assert call(registry, "mcp__ours__wait", replace(LIMITS, seconds=0.3), seconds=60).status == "timeout"
    assert call(registry, "mcp__ours__add", one=1, other=2).content == "3"


def test_a_server_that_dies_is_connected_to_again(tmp_path: Path) -> None:
    with loaded(mcp_servers=file_of(tmp_path, ours=OVER_STDIO)) as found:
        result = call(found, "mcp__ours__leave")
        assert "The MCP server went away" in str(result.content)
        assert call(found, "mcp__ours__add", one=1, other=2).content == "3"


def test_a_server_over_http_may_come_late_and_come_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    settings = {"url": f"http://127.0.0.1:{port}/mcp", "headers": {"Authorization": f"Bearer {SECRET}"}}
    with loaded(mcp_servers=file_of(tmp_path, late=settings)) as found:
        assert found.tools == {}
        assert "the MCP server late cannot be reached: ConnectError" in caplog.text
        with listening(port):
            wait_until(lambda: found.tools, 20)
            assert call(found, "mcp__late__add", one=1, other=2).content == "3"
        result = call(found, "mcp__late__add", one=1, other=2)
        assert "The MCP server went away" in str(result.content)
        with listening(port):
            wait_until(lambda: call(found, "mcp__late__add", one=1, other=2).content == "3", 30)


def test_one_server_that_cannot_be_reached_keeps_no_other_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = {"command": "/nowhere/at/all", "env": {"TOKEN": SECRET}}
    silent = {"command": sys.executable, "args": ["-c", "raise SystemExit"]}
    with loaded(mcp_servers=file_of(tmp_path, nobody=nobody, silent=silent, ours=OVER_STDIO)) as found:
        assert call(found, "mcp__ours__add", one=1, other=2).content == "3"
    assert "the MCP server nobody cannot be reached: FileNotFoundError" in caplog.text
    assert "the MCP server silent cannot be reached: Connection closed" in caplog.text
    assert SECRET not in caplog.text


def test_no_secret_of_the_file_is_logged_or_seen_in_the_list_of_processes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), loaded(mcp_servers=file_of(tmp_path, ours=OVER_STDIO)) as found:
        call(found, "mcp__ours__fail")
        assert SECRET not in str([(one.cmdline(), one.environ()) for one in host_processes()])
        wait_until(lambda: "failing with" in caplog.text)
    assert "failing with [secret]" in caplog.text
    assert SECRET not in caplog.text


def test_names_are_made_such_as_claude_takes(tmp_path: Path) -> None:
    with loaded(mcp_servers=file_of(tmp_path, **{"our server №1 " + "x" * 200: OVER_STDIO})) as found:
        (name,) = found.tools
        assert name.startswith("mcp__our_server__1_xxx")
        assert len(name) == 128


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "must be JSON of the form"),
        ("[]", "must be JSON of the form"),
        ('{"servers": {}}', "must be JSON of the form"),
        ('{"mcpServers": ["hunter2-the-password"]}', "must be JSON of the form"),
    ],
)
def test_a_file_that_is_none_is_said_and_not_repeated(
    tmp_path: Path, text: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=says) as found:
        read_servers(path)
    assert SECRET not in str(found.value)
    with loaded(mcp_servers=str(path)) as registry:
        assert registry.tools == {}
    assert f"the MCP servers of {path} are left out: it must be JSON" in caplog.text


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="it cannot be read: No such file"):
        read_servers(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "it needs either `command` or `url`"),
        ("x", "it needs either `command` or `url`"),
        ({"command": "x", "url": "http://127.0.0.1"}, "it needs either `command` or `url`"),
        ({"command": ["x"]}, "its `command` is none"),
        ({"command": "x", "args": "y"}, "its `args` is none"),
        ({"command": "x", "env": {"TOKEN": 3}}, "its `env` is none"),
        ({"url": "ftp://127.0.0.1"}, "its `url` is none"),
        ({"url": "http://127.0.0.1", "type": "sse"}, "its `type` is none"),
        ({"url": "http://127.0.0.1", "headers": [SECRET]}, "its `headers` is none"),
    ],
)
def test_a_server_that_is_described_wrongly_is_left_out(
    tmp_path: Path, settings: Any, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = Path(file_of(tmp_path, wrong=settings, off={"command": "x", "disabled": True}, right=OVER_STDIO))
    assert [*read_servers(path)] == ["right"]
    assert f"the MCP server wrong is left out: {says}" in caplog.text
    assert SECRET not in caplog.text
