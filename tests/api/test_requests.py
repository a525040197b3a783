"""Request ids and the one log line of each request."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.services import users
from app.telemetry.logging import ROOT, configure
from app.telemetry.redaction import Redactor

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged, as JSON."""
    stream = io.StringIO()
    configure("json", "DEBUG", Redactor(), stream)
    yield stream
    logging.getLogger(ROOT).handlers.clear()


@pytest.fixture
def client(app: Flask, people: None) -> FlaskClient:
    """The app without a network, so that a line is written when the answer is read."""
    with app.app_context():
        _, secret = users.add_key(users.add("Ada").id, "test")
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.mark.parametrize("given", ["a", "!~", "req-1/2:3", "x" * 128])
def test_a_printable_id_is_taken(client: FlaskClient, log: io.StringIO, given: str) -> None:
    answer = client.get("/sessions", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == given
    answer.close()
    assert [one["request_id"] for one in lines(log)] == [given]


@pytest.mark.parametrize("given", ["", " ", "a b", "é", "x" * 129, "a\tb"])
def test_any_other_is_replaced_by_one_of_ours(client: FlaskClient, given: str) -> None:
    made = [client.get("/livez", headers={"X-Request-Id": given}).headers["X-Request-Id"] for _ in range(2)]
    assert all(one.startswith("req_") and len(one) == 36 for one in made)
    assert made[0] != made[1]


def test_a_line_says_the_route_the_session_and_who_called(client: FlaskClient, log: io.StringIO) -> None:
    client.get("/sessions/ses_01k").close()
    (line,) = lines(log)
    assert line["route"] == "/sessions/<id:session_id>"
    assert (line["method"], line["status"], line["level"]) == ("GET", 404, "INFO")
    assert line["user_id"].startswith("usr_")
    assert line["ms"] >= 0
    assert line["session_id"] == "ses_01k"


def test_probes_are_of_no_interest(client: FlaskClient, log: io.StringIO) -> None:
    for path in ("/livez", "/readyz", "/version"):
        client.get(path).close()
    assert [one["level"] for one in lines(log)] == ["DEBUG", "DEBUG", "INFO"]


def test_what_was_said_is_in_no_line_but_what_it_used_is(client: FlaskClient, log: io.StringIO) -> None:
    client.post("/messages", json={"content": "my secret plan"}).close()
    client.post("/messages", json={"content": "my secret plan", "stream": True}).close()
    said, streamed = (one for one in lines(log) if one.get("route") == "/messages")
    assert said["session_id"].startswith("ses_")
    assert said["input_tokens"] > 0 < said["output_tokens"]
    assert (streamed["method"], streamed["status"]) == ("POST", 200)
    assert "secret plan" not in log.getvalue()


def test_who_is_refused_leaves_a_line_without_a_name(client: FlaskClient, log: io.StringIO) -> None:
    client.get("/sessions", headers={"Authorization": "Bearer clq_wrong-wrong-wrong"}).close()
    (line,) = lines(log)
    assert (line["status"], "user_id" in line) == (401, False)
    assert "wrong-wrong" not in log.getvalue()


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_an_address_cannot_forge_a_line(client: FlaskClient, log_format: str) -> None:
    stream = io.StringIO()
    configure(log_format, "INFO", Redactor(), stream)
    client.get("/nothing%0a2026-11-22 INFO request status=200%0d").close()
    logging.getLogger(ROOT).handlers.clear()
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize("path", ["/sessions", "/nothing", "/livez"])
def test_every_answer_is_not_to_be_guessed_at(client: FlaskClient, path: str) -> None:
    assert client.get(path).headers["X-Content-Type-Options"] == "nosniff"
