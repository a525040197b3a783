"""Probes need no key and don't call Claude."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx2
import pytest

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


@pytest.mark.parametrize(
    ("revision", "advice"), [("0001", "flask db upgrade"), ("9999", "a newer server made: run that version")]
)
def test_a_schema_of_another_time_is_not_ready_and_says_what_to_do(
    api: Api, set_revision: Pretend, revision: str, advice: str
) -> None:
    with set_revision(revision):
        answer = api.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert f"revision {revision}" in answer.json()["detail"]
    assert advice in answer.json()["detail"]
