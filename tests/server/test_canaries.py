"""Canary secrets in every input of a real server, on both databases: they come out nowhere."""

from __future__ import annotations

import base64
import json
import secrets as random
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from sqlalchemy import create_engine, text

from app.extensions import db
from app.services import users
from config import Config
from tests.conftest import made
from tests.server.conftest import Server
from tests.support import Api, answering, events_of
from tests.upstreams import BEGIN, END, STOP, TEXT, told

PIECES = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}


def forms(secret: str) -> list[str]:
    """The forms that are planted, and looked for afterwards."""
    raw = secret.encode()
    return [
        secret,
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(b"me:" + raw).decode(),
        raw.hex(),
        raw.hex().upper(),
        quote(secret, safe=""),
        "".join(f"%{byte:02X}" for byte in raw),
        "".join(f"\\u{byte:04x}" for byte in raw),
        "".join(f"&#{byte};" for byte in raw),
    ]


def answer_with(canaries: list[str]) -> Iterator[str]:
    """An answer that says each of them, split over two and more pieces, in each kind of block."""
    yield BEGIN
    said = "; ".join(canaries)
    thirds = [said[at : at + 13] for at in range(0, len(said), 13)]
    yield told(
        "content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""}
    )
    yield from (told_delta(0, "thinking_delta", one) for one in thirds)
    yield told("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "c2ln"})
    yield told("content_block_stop", index=0)
    yield TEXT.replace('"index": 0', '"index": 1')
    for canary in canaries:
        yield told_delta(1, "text_delta", f"It is {canary[: len(canary) // 2]}")
        yield told_delta(1, "text_delta", f"{canary[len(canary) // 2 :]}, you see. ")
    yield told("content_block_stop", index=1)
    yield told("content_block_start", index=2, content_block=TOOL)
    whole = json.dumps({"said": said})
    yield from (told_delta(2, "input_json_delta", whole[at : at + 11]) for at in range(0, len(whole), 11))
    yield told("content_block_stop", index=2)
    yield END
    yield STOP


def told_delta(index: int, kind: str, piece: str) -> str:
    return told("content_block_delta", index=index, delta={"type": kind, PIECES[kind]: piece})


@contextmanager
def gossip(canaries: list[str]) -> Iterator[str]:
    """An upstream that says the secrets in all it answers; its address."""
    error = {"type": "error", "error": {"type": canaries[0], "message": "; ".join(canaries)}}

    class Gossip(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            models = [{"type": "model", "id": "claude-sonnet-5-5", "display_name": one} for one in canaries]
            self._answer(200, "application/json", json.dumps({"data": models, "has_more": False}))

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
            heard.append(asked)
            if self.path.startswith("/v1/messages/count_tokens"):
                self._answer(200, "application/json", json.dumps({"input_tokens": canaries[0]}))
            elif "refuse me" in asked:
                self._answer(400, "application/json", json.dumps(error))
            else:
                breaks = "break off" in asked
                payloads = [BEGIN, TEXT, json.dumps(error)] if breaks else list(answer_with(canaries))
                self._answer(200, "text/event-stream", "".join(f"data: {one}\n\n" for one in payloads))

        def _answer(self, status: int, kind: str, content: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("request-id", canaries[0])
            self.send_header("Content-Length", str(len(content.encode())))
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_: object) -> None:
            pass

    heard: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gossip)
    server.daemon_threads = True
    with answering(server) as url:
        yield url
    assert heard
    assert not any(one in asked for one in canaries for asked in heard), "nor is Claude told"


def everything_asked(api: Api, canaries: list[str]) -> Iterator[httpx2.Response]:
    """Requests with the canaries wherever something can be put, and their answers."""
    first, said = canaries[0], "; ".join(canaries)
    named = {"X-Request-Id": first, "Idempotency-Key": f"k {first}", "User-Agent": first, "If-Match": first}
    chat = api.post(
        "/sessions",
        json={"title": said[:400], "system": said, "metadata": {first: {"deep": canaries}}},
        headers=named,
    )
    yield chat
    path = f"/sessions/{chat.json()['id']}"
    for content in (said, [{"type": "text", "text": said}], f"refuse me {said}", f"break off {said}"):
        for stream in (False, True):
            body = {"content": content, "metadata": {"a": said}, "stream": stream}
            yield api.post(
                f"{path}/messages", json=body, headers={**named, "Idempotency-Key": f"{first}{stream}"}
            )
    yield api.get(path)
    yield api.get(f"{path}/messages?limit=200")
    yield api.get(f"{path}/messages?view=tree&limit=200")
    last = api.path(str(chat.json()["id"]))[1]["id"]
    yield api.get(f"/messages/{last}/events")
    yield api.get(f"/messages/{last}/events", headers={"Last-Event-ID": first})
    yield api.get(f"{path}/export?format=md")
    document = api.get(f"{path}/export")
    yield document
    imported = {**document.json(), "session": {"title": first, "system": said}}
    imported["messages"] = [{"role": "user", "content": said, "error": None, "metadata": {first: said}}]
    yield api.post("/sessions/import", json=imported)
    yield api.post("/tokens/count", json={"content": said, "exact": True})
    yield api.get("/models")
    yield api.get("/messages", params={"q": first})
    yield api.patch(path, json={"title": first, "metadata": {first: first}}, headers={"If-Match": first})
    yield api.delete(path, headers={"If-Match": first})
    for canary in canaries:
        yield api.get(f"/sessions/{quote(canary, safe='')}"[:500], params={canary: canary})
        yield api.get(f"/nothing/{quote(canary, safe='')}", params={"a": canary})
        yield api.post("/sessions", json={canary: canary, "max_tokens": canary})
        yield api.post("/sessions", content=canary, headers={"Content-Type": "application/json"})
        yield api.post("/sessions", content=canary, headers={"Content-Type": canary[:100]})
        yield api.get("/sessions", params={"cursor": canary, "limit": canary})


@pytest.fixture
def secrets(database_url: str) -> dict[str, str]:
    """The environment of a server with secrets of every kind."""
    environ = {"ANTHROPIC_API_KEY": f"sk-ant-api03-{random.token_urlsafe(30)}"}
    environ["COLLOQUY_ADMIN_KEY"] = f"clq_{random.token_urlsafe(32)}"
    environ["DATABASE_URL"] = database_url
    if database_url.startswith("postgres"):
        password = quote(f"p@ss/{random.token_hex(6)}", safe="")
        environ["DATABASE_URL"] = database_url.replace(":@", f":{password}@")  # which is not asked for
    return environ


def rows(url: str) -> str:
    engine = create_engine(Config(database_url=url).sqlalchemy_url)
    statements = [f"SELECT * FROM {name}" for name in (*db.metadata.tables, "message_index")]  # noqa: S608
    with engine.connect() as connection:
        found = "\n".join(str(row) for one in statements for row in connection.execute(text(one)))
    engine.dispose()
    return found


def files(url: str) -> str:
    path = Path(url.removeprefix("sqlite:///"))
    return "".join(one.read_text(errors="replace") for one in path.parent.glob(f"{path.name}*"))


def rude(server: Server, canary: str) -> None:
    """What is no HTTP, so that gunicorn itself has something to say about it."""
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(f"GET /{canary} HTTP/1.1\r\n{canary} : {canary}\r\n\r\n".encode())
        while client.recv(10_000):
            pass


def joined(stream: str) -> str:
    """The texts of a stream, as a client puts them together."""
    deltas = [one.payload["delta"] for one in events_of(stream) if one.name == "content_block_delta"]
    return "\n".join("".join(str(one.get(name, "")) for one in deltas) for name in PIECES.values())


def test_canaries_come_out_nowhere(
    serve: Callable[..., Server], secrets: dict[str, str], database_url: str
) -> None:
    with made(Config(database_url=database_url)) as app, app.app_context():
        _, own = users.add_key(users.add("Ada").id, "test")
    settings = Config(database_url=secrets["DATABASE_URL"])
    values = [secrets["ANTHROPIC_API_KEY"], secrets["COLLOQUY_ADMIN_KEY"], own, *settings.secrets]
    canaries = [form for value in values for form in forms(value)]
    with gossip(canaries) as upstream:
        server = serve(**secrets, ANTHROPIC_BASE_URL=upstream, COLLOQUY_LOG_LEVEL="DEBUG").wait_until_ready()
        with server.access(own) as api:
            answers = list(everything_asked(api, canaries))
            statuses = {one.status_code for one in answers}
        for canary in canaries:
            rude(server, canary)
        assert server.stop() == 0
    assert statuses >= {200, 201, 400, 404, 412, 415, 422, 502}
    heard = [f"{one.headers} {one.text}" for one in answers]
    streams = [joined(one.text) for one in answers if "event-stream" in one.headers["content-type"]]
    assert sum("[secret]" in one for one in streams) >= 2
    places = {"answers": heard, "streams": streams, "log": [server.output], "rows": [rows(database_url)]}
    assert all("[secret]" in said for said in (server.output, rows(database_url)))
    places["files"] = [files(database_url)] if database_url.startswith("sqlite") else []
    found = {
        (name, one) for name, texts in places.items() for one in canaries for said in texts if one in said
    }
    assert found == set()
