"""A client of the API, as tests use it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import HTTPServer
from typing import Any

import httpx2

Answer = httpx2.Response
CountRows = Callable[[], dict[str, int]]


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
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


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
