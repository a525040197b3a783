"""People who come, do all that the API lets them do, also what goes wrong, and are erased again."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import httpx2

from tests.faults.crowds import frames, id_of
from tests.support import Answer, Api

ACTS_A_LIFE = 40
PAUSE_SECONDS = 0.05
SHORT = "[[reply: words=9]]"
STREAMED = "[[reply: words=30 seconds_per_event=0.02]]"
TOOL = '[[reply: rounds=2 words=9]] [[reply: tool=calculate input={"expression": "6 * 7"}]]'
FAULTS = (
    "[[fault: status=529]]",
    "[[fault: status=400]]",
    "[[fault: cut after=5]]",
    "[[fault: silence after=3 seconds=4]]",
    "[[fault: no_stop]]",
    "[[fault: garbage after=2]]",
)
EXPECTED = frozenset(
    {404, 409, 422, 429, 502, 503, 504}
)  # what the faults, and acts in a random order, may give


class Person:
    """One after the other, each with a key of their own."""

    def __init__(self, admin: Api, url: str, seed: int) -> None:
        self._admin, self._url = admin, url
        self._random = Random(seed)  # noqa: S311 - no secret
        self._api = self._session_id = self._message_id = None
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []

    def live_until(self, ends_at: float) -> None:
        """Life after life."""
        while time.monotonic() < ends_at:
            try:
                self._live(ends_at)
            except httpx2.TransportError:  # a worker was killed
                self.done["connections ended"] += 1

    def _live(self, ends_at: float) -> None:
        user_id, self._api = self._arrive()
        try:
            self._begin_session()
            for _ in range(ACTS_A_LIFE):
                if time.monotonic() > ends_at:
                    break
                self._act()
        finally:
            self._api.close()
            self._leave(user_id)

    def _arrive(self) -> tuple[str, Api]:
        user_id = self._admin.post("/users", json={"name": "Somebody"}).json()["id"]
        key = self._admin.post("/keys", json={"name": "soak", "user_id": user_id}).json()["key"]
        return user_id, Api(base_url=self._url, headers={"Authorization": f"Bearer {key}"}, timeout=60)

    def _leave(self, user_id: str) -> None:
        """Erased, however often the connection ends before that is said."""
        for _ in range(50):
            try:
                if self._admin.delete(f"/users/{user_id}").status_code in {200, 204, 404}:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.2)
        self.wrong.append(f"{user_id} cannot be erased")

    def _act(self) -> None:
        acts: tuple[Callable[[], object], ...] = (
            *(self._send, self._stream, self._stream, self._stream_and_leave, self._stream_and_cancel),
            *(
                self._use_tool,
                self._fail,
                self._edit,
                self._regenerate,
                self._delete_message,
                self._summarise,
            ),
            *(self._search, self._list, self._export, self._begin_session, self._delete_session),
        )
        act = self._random.choice(acts)
        act()
        self.done[act.__name__.strip("_")] += 1
        time.sleep(PAUSE_SECONDS)

    def _begin_session(self) -> None:
        body = {"title": "Soak", "tools": ["calculate"], "context": {"input_tokens": 4000}}
        made = self._fine(self._api.post("/sessions", json=body, headers=self._key()))
        self._session_id, self._message_id = made.json()["id"], None
        self._send()

    def _send(self, wish: str = SHORT) -> None:
        body = {"content": f"{secrets.token_hex(4)} {wish}", "on_busy": "queue"}
        answer = self._fine(self._api.post(self._path, json=body, headers=self._key()))
        if answer.status_code == 201:
            self._message_id = answer.json()["user_message"]["id"]

    def _use_tool(self) -> None:
        self._send(TOOL)

    def _fail(self) -> None:
        self._send(self._random.choice(FAULTS))

    def _stream(self, most_events: int | None = None, *, is_cancelled: bool = False) -> None:
        body = {"content": f"{secrets.token_hex(4)} {STREAMED}", "stream": True, "on_busy": "queue"}
        with self._api.stream("POST", self._path, json=body, headers=self._key()) as answer:
            if answer.status_code != 200:
                answer.read()
                self._fine(answer)
                return
            for number, frame in enumerate(frames(answer.iter_bytes()), 1):
                if number == most_events:
                    if is_cancelled:
                        self._fine(self._api.post(f"/messages/{id_of(frame)[0]}/cancel", json={}))
                    return

    def _stream_and_leave(self) -> None:
        self._stream(self._random.randint(1, 20))

    def _stream_and_cancel(self) -> None:
        self._stream(self._random.randint(1, 20), is_cancelled=True)

    def _edit(self) -> None:
        if self._message_id:
            body = {"content": f"Else {SHORT}"}
            self._fine(self._api.post(f"/messages/{self._message_id}/edit", json=body, headers=self._key()))

    def _regenerate(self) -> None:
        head_id = self._fine(self._api.get(f"/sessions/{self._session_id}")).json().get("head_id")
        if head_id:
            self._fine(self._api.post(f"/messages/{head_id}/regenerate", json={}, headers=self._key()))

    def _delete_message(self) -> None:
        if self._message_id:
            self._fine(self._api.delete(f"/messages/{self._message_id}"))

    def _summarise(self) -> None:
        for _ in range(3):
            self._send()
        self._fine(self._api.post(f"/sessions/{self._session_id}/compact", json={}, headers=self._key()))

    def _search(self) -> None:
        self._fine(self._api.get("/messages", params={"q": self._random.choice(("soak", "fox", "Else"))}))

    def _list(self) -> None:
        self._fine(self._api.get("/sessions"))
        self._fine(self._api.get(self._path, params={"limit": 50}))

    def _export(self) -> None:
        document = self._fine(self._api.get(f"/sessions/{self._session_id}/export"))
        if document.status_code == 200:
            self._fine(self._api.post("/sessions/import", json=document.json(), headers=self._key()))

    def _delete_session(self) -> None:
        self._fine(self._api.delete(f"/sessions/{self._session_id}"))
        self._begin_session()

    @property
    def _path(self) -> str:
        return f"/sessions/{self._session_id}/messages"

    def _key(self) -> dict[str, str]:
        return {"Idempotency-Key": secrets.token_hex(8)}

    def _fine(self, answer: Answer) -> Answer:
        if answer.status_code >= 400 and answer.status_code not in EXPECTED:
            self.wrong.append(f"{answer.request.method} {answer.request.url.path}: {answer.text}")
        if answer.status_code >= 400:
            self.done[_said(answer)] += 1
        return answer


def _said(answer: Answer) -> str:
    problem: dict[str, Any] = answer.json()
    return f"{answer.status_code} {problem['code']}"
