"""A client of the API, as tests use it."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.server import HTTPServer
from typing import Any

import httpx2
import psycopg

from app.claude.simulator import Simulator

Answer = httpx2.Response
CountRows = Callable[[], dict[str, int]]
PLANNED = ("model", "max_tokens", "tools", "system", "messages")  # of a request, in the order of a plan


@dataclass(frozen=True)
class Sent:
    """One server-sent event as it came."""

    id: str
    name: str
    payload: dict[str, Any]
    text: str


class Api(httpx2.Client):
    """One person's access to a server."""

    def session(self, **settings: Any) -> str:
        """Make a session; its id."""
        answer = self.post("/sessions", json=settings)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def send_to(self, session_id: str, content: Any, **values: Any) -> Answer:
        """Send a message to a session."""
        return self.post(f"/sessions/{session_id}/messages", json={"content": content, **values})

    def say(self, session_id: str, content: Any, **values: Any) -> dict[str, Any]:
        """Send a message that is answered; the answer."""
        answer = self.send_to(session_id, content, **values)
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["message"])

    def events(self, path: str, **body: Any) -> list[Sent]:
        """Send as a stream; every event, once it has ended."""
        answer = self.post(path, json={**body, "stream": True})
        assert answer.status_code == 200, answer.text
        return events_of(answer.text)

    @contextmanager
    def sending(self, session_id: str, content: str) -> Iterator[Iterator[bytes]]:
        """Send as a stream and read it as it comes."""
        body = {"content": content, "stream": True}
        with self.stream("POST", f"/sessions/{session_id}/messages", json=body) as answer:
            yield answer.iter_bytes()

    def wait_until_idle(self, session_id: str) -> None:
        """Return when the session answers no more."""
        for _ in range(500):
            if self.get(f"/sessions/{session_id}").json()["status"] == "idle":
                return
            time.sleep(0.02)
        raise AssertionError("the session still answers")

    def path(self, session_id: str) -> list[dict[str, Any]]:
        """The messages from the first to the head."""
        return list(self.get(f"/sessions/{session_id}/messages?limit=200").json()["data"])


@contextmanager
def answering(server: HTTPServer) -> Iterator[str]:
    """Its address, while it answers in the background."""
    server.socket.settimeout(1)  # a client may be gone before it is accepted, which would be waited for
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def all_connections_taken(url: str) -> Iterator[None]:
    """A PostgreSQL that refuses any further connection, for as long as the block runs."""
    with ExitStack() as held:
        with suppress(psycopg.OperationalError):
            while True:
                held.enter_context(psycopg.connect(url))
        yield


def events_of(text: str) -> list[Sent]:
    """The events of a stream; comment lines are passed over."""
    found = []
    for part in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in part.split("\n") if line and not line.startswith(":"))
        if fields:
            found.append(Sent(fields["id"], fields["event"], json.loads(fields["data"]), fields["data"]))
    return found


def text_of(message: dict[str, Any]) -> str:
    """The text blocks of a message."""
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


def example_of(operation: dict[str, Any], message_id: str) -> dict[str, Any]:
    """What httpx is given to send the document's example, about a message where it names one."""
    if "requestBody" not in operation:
        return {}
    (content,) = operation["requestBody"]["content"].values()
    body = dict(content["example"])
    return {"json": {**body, "message_id": message_id} if "message_id" in body else body}


def unmarked(sent: Any) -> Any:
    """What Claude was sent, or a part of it, without the markers of its prompt cache."""
    if isinstance(sent, dict):
        return {name: unmarked(one) for name, one in sent.items() if name != "cache_control"}
    return [unmarked(one) for one in sent] if isinstance(sent, list) else sent


def markers_of(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Where a request to Claude marks its cache, and for how long, in the order of the prompt."""
    run = [(f"tools/{at}", one) for at, one in enumerate(body.get("tools", ()))]
    run += [(f"system/{at}", one) for at, one in enumerate(body.get("system", ()))]
    run += [
        (f"messages/{at}/{number}", block)
        for at, one in enumerate(body["messages"])
        for number, block in enumerate(one["content"])
    ]
    return [(place, one["cache_control"]["ttl"]) for place, one in run if "cache_control" in one]


def asked(simulator: Simulator, path: str = "/v1/messages") -> list[dict[str, Any]]:
    """The bodies of the last requests to Claude, oldest first."""
    return [dict(one.body) for one in simulator.requests if one.path == path and one.body]


def last_asked(simulator: Simulator) -> dict[str, Any]:
    """The body of the last request for an answer."""
    return asked(simulator)[-1]


def plan_of(body: dict[str, Any]) -> str:
    """The plan that a request to Claude was sent by: a hash of all of it but what it says of itself."""
    assert body.keys() <= {*PLANNED, "stream", "diagnostics"}
    text = json.dumps(
        {name: body[name] for name in PLANNED if name in body}, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
