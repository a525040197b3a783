"""Probes need no key and don't call Claude."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx2

from app.claude.simulator import Simulator
from tests.support import Api

Pretend = Callable[[str], AbstractContextManager[None]]


def test_probes_need_no_key_and_ask_nobody(server_url: str, simulator: Simulator) -> None:
    asked = len(simulator.requests)
    with httpx2.Client(base_url=server_url) as stranger:
        assert stranger.get("/livez").json() == {"status": "alive"}
        ready = stranger.get("/readyz").json()
        assert stranger.get("/version").json()["version"]
    assert (ready["status"], ready["upstream"]) == ("ready", "anthropic")
    assert len(simulator.requests) == asked


def test_a_stale_schema_is_not_ready_and_says_what_to_do(api: Api, set_revision: Pretend) -> None:
    with set_revision("0000"):
        answer = api.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert "flask db upgrade" in answer.json()["detail"]
