"""Log lines: JSON or text, one a request, without secrets."""

from __future__ import annotations

import io
import json
import logging
import re
import time
from collections.abc import Callable
from contextvars import Context

import pytest

from app.telemetry import origins, redaction
from app.telemetry.logging import ROOT, configure, formatter, logger
from app.telemetry.origins import Origin
from app.telemetry.redaction import Redactor
from app.turns.log import Log
from app.turns.runner import Runner, Running
from tests.support import Api

TRACE = "0af7651916cd43dd8448eb211c80319c"
ROUTES = ["/sessions", "/sessions/<id:session_id>/messages", "/messages", "/nothing"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def lines() -> Callable[[str], list[str]]:
    """What is logged in a format."""

    def log(log_format: str) -> list[str]:
        stream = io.StringIO()
        configure(log_format, "INFO", Redactor(["hunter2-of-old"]), stream)
        logger("test").info("said hunter2-of-old", extra={"request_id": "req_1", "status": 200})
        try:
            raise ValueError("hunter2-of-old")
        except ValueError:
            logger("test").exception("failed")
        return stream.getvalue().splitlines()

    return log


def test_a_json_line_has_its_fields_and_no_secret(lines: Callable[[str], list[str]]) -> None:
    first, second = (json.loads(line) for line in lines("json"))
    assert (first["level"], first["logger"], first["request_id"]) == ("INFO", "colloquy.test", "req_1")
    assert "hunter2-of-old" not in json.dumps([first, second])
    assert "ValueError" in second["exc_info"]


def test_a_line_knows_the_key_of_whoever_calls_and_libraries_have_no_secrets_either() -> None:
    stream, server, key = io.StringIO(), Redactor(["hunter2-of-old"]), "clq_0123456789abcdefghijklmnop"
    configure("json", "INFO", server, stream)
    with redaction.knowing(server.beside(key)):
        try:
            raise ValueError(key.encode().hex())
        except ValueError:
            logger("test").exception("failed", extra={"path": f"/{key}"})
    logging.getLogger(ROOT).handlers.clear()
    assert stream.getvalue().count("[secret]") == 2
    assert logging.lastResort
    said = logging.LogRecord("alembic", logging.WARNING, "", 0, "it was hunter2-of-old", (), None)
    assert "hunter2" not in logging.lastResort.format(said)


def test_a_text_line_is_for_people(lines: Callable[[str], list[str]]) -> None:
    assert "request_id=req_1 status=200" in lines("text")[0]


def test_a_terminal_gets_text_and_a_file_gets_json() -> None:
    assert formatter("", Terminal()).__class__.__name__ == "Text"
    assert formatter("", io.StringIO()).__class__.__name__ == "JsonFormatter"
    assert formatter("json", Terminal()).__class__.__name__ == "JsonFormatter"


def test_every_request_leaves_one_line(api: Api) -> None:
    stream = io.StringIO()
    configure("json", "INFO", Redactor(), stream)
    session_id = api.session()
    api.say(session_id, "Hello", stream=False)
    api.events("/messages", content="Hello")
    api.get("/nothing", headers={"X-Request-Id": "lost"})
    while stream.getvalue().count("\n") < 4:  # a line is written after the answer was sent
        time.sleep(0.01)
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    made, said, streamed, lost = sorted(found, key=lambda one: ROUTES.index(one["route"]))
    assert (made["method"], made["route"], made["status"]) == ("POST", "/sessions", 201)
    assert (said["session_id"], said["input_tokens"] > 0, said["ms"] > 0) == (session_id, True, True)
    assert streamed["output_tokens"] > 0
    assert (lost["status"], lost["request_id"], "user_id" in lost) == (404, "lost", False)
    api.get(f"/sessions/{session_id}")
    while stream.getvalue().count("\n") < 5:
        time.sleep(0.01)
    assert session_id in stream.getvalue().splitlines()[-1], "every line about a session names it"
    logging.getLogger(ROOT).handlers.clear()
    assert api.headers["Authorization"] not in stream.getvalue()


def test_every_line_of_a_request_names_it_and_the_trace_of_its_caller(api: Api) -> None:
    stream = io.StringIO()
    configure("json", "INFO", Redactor(), stream)
    api.get("/sessions", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "X-Request-Id": "mine"})
    api.get("/sessions")
    while stream.getvalue().count("\n") < 2:
        time.sleep(0.01)
    Context().run(logger("test").info, "of no request")
    logging.getLogger(ROOT).handlers.clear()
    first, second, other = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["request_id"], first["trace_id"]) == ("mine", TRACE)
    assert re.fullmatch("[0-9a-f]{32}", second["trace_id"])
    assert second["trace_id"] != TRACE
    assert "trace_id" not in other


def test_every_line_of_a_turn_names_the_request_that_began_it() -> None:
    stream, runner = io.StringIO(), Runner()
    configure("json", "INFO", Redactor(), stream)

    def fail(_: Running) -> None:
        logger("test").info("in the turn")
        raise ValueError("no")

    with origins.within(Origin("req_1", TRACE)):
        runner.start(Log("msg_1"), fail, fail)
    assert runner.wait(5)
    while stream.getvalue().count("\n") < 4:
        time.sleep(0.01)
    logging.getLogger(ROOT).handlers.clear()
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [one["message"] for one in found][:2] == ["in the turn", "a turn failed"]
    assert {(one["request_id"], one["trace_id"]) for one in found} == {("req_1", TRACE)}
