"""Drop-in tools: what they are taken for, and that they can harm nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.claude.stop import Stop
from app.telemetry import redaction
from app.telemetry.redaction import Redactor
from app.tools.registry import Registry
from tests.tools.dropped_in import SECRET
from tests.tools.hosting import LIMITS, call, folder_of, host_process, loaded, wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with loaded(folder=folder_of(tmp_path_factory.mktemp("tools"))) as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_is_left(registry: Registry) -> Iterator[None]:
    """After each test the host has no child, and is the same."""
    host = host_process()
    yield
    wait_until(lambda: not host.children(recursive=True))
    assert host.is_running()


def test_public_functions_of_a_file_are_tools(registry: Registry) -> None:
    book = registry.tools["book"]
    assert book.declaration == {
        "name": "book",
        "description": "Book a table.",
        "input_schema": {
            "type": "object",
            "properties": {
                "day": {"type": "string", "description": "A day of the week."},
                "guests": {"type": "integer", "minimum": 1, "maximum": 12, "default": 2},
            },
            "required": ["day"],
            "additionalProperties": False,
        },
    }
    assert (book.source, book.needs_approval) == ("folder", True)
    assert not registry.tools["wait"].needs_approval
    assert not {"Field", "_of_its_own", "without_a_docstring"} & registry.tools.keys()


def test_they_are_called(registry: Registry) -> None:
    assert call(registry, "book", day="Monday").content == "2 on Monday"
    assert call(registry, "wait", seconds=0).content == "0.0"
    assert "guests: it is greater than" in str(call(registry, "book", day="Monday", guests=13).content)


def test_each_call_begins_anew(registry: Registry) -> None:
    assert [call(registry, "count").content for _ in range(3)] == ["1", "1", "1"]
    assert "CALLED" not in str(call(registry, "look_around").content)


def test_nothing_of_the_server_can_be_had_in_a_call(registry: Registry) -> None:
    found = json.loads(str(call(registry, "look_around").content))
    assert found["environ"].keys() <= {"PATH", "LANG", "LC_CTYPE"}
    assert found["modules"] == []
    assert Path(found["folder"], "dropped_in.py").exists(), "it is where its file is"
    assert [one for one in found["files"] if one != "/dev/null"] == [found["files"][3]], "and its own line"


def test_an_endless_loop_is_killed_when_its_time_is_up(registry: Registry) -> None:
    result = call(registry, "loop", replace(LIMITS, seconds=0.5))
    assert (result.status, result.is_error) == ("timeout", True)
    assert result.ms < 3_000


def test_an_endless_loop_is_killed_when_its_turn_is_cancelled(registry: Registry) -> None:
    stop = Stop()
    threading.Timer(0.3, stop.set, ["cancelled"]).start()
    result = call(registry, "loop", stop=stop)
    assert result.status == "cancelled"
    assert result.ms < 3_000


def test_of_a_giant_output_the_beginning_and_the_end_are_kept(registry: Registry) -> None:
    result = call(registry, "write", characters=100_000_000)
    assert result.status == "ok"
    assert str(result.content) == f"a{'x' * 499}\n[… 99,999,000 characters left out …]\n{'x' * 499}b"


@pytest.mark.parametrize("name", ["write", "take_all_memory"])
def test_one_that_takes_all_memory_is_an_error_and_the_server_takes_none(
    registry: Registry, name: str
) -> None:
    before = psutil.Process().memory_info().rss
    given = {"characters": 1_200_000_000} if name == "write" else {}
    result = call(registry, name, **given)
    assert result.is_error
    assert psutil.Process().memory_info().rss - before < 50_000_000
    assert "MemoryError" in str(result.content)


def test_a_flood_is_not_read_to_its_end(registry: Registry) -> None:
    before = psutil.Process().memory_info().rss
    result = call(registry, "flood")
    assert result.is_error
    assert result.ms < 5_000
    assert psutil.Process().memory_info().rss - before < 50_000_000


def test_an_error_is_told_without_the_secret_and_without_where_it_was(registry: Registry) -> None:
    with redaction.knowing(Redactor([SECRET])):
        result = call(registry, "fail")
    assert result.content == "ValueError: it did not work with [secret] at postgresql://ada:[secret]@db"
    assert call(registry, "fail_to_say").content == "Silent"


@pytest.mark.parametrize("name", ["leave_a_thread", "leave_programs"])
def test_what_a_call_leaves_running_ends_with_it(registry: Registry, name: str) -> None:
    result = call(registry, name)
    assert (result.content, result.status) == ("begun", "ok")
    assert result.ms < 5_000


def test_what_a_call_started_ends_with_it_when_it_is_given_up(registry: Registry) -> None:
    assert call(registry, "stay_with_programs", replace(LIMITS, seconds=1)).status == "timeout"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("leave", "The tool ended before it answered."),
        ("crash", "The tool ended before it answered."),
        ("leave_politely", "SystemExit: 3"),
        ("recurse", "RecursionError: maximum recursion depth exceeded"),
        ("forge", "TypeError"),
        ("forge_deeply", "The tool's answer is too long, or none at all."),
    ],
)
def test_whatever_it_does_the_result_is_an_error(registry: Registry, name: str, says: str) -> None:
    result = call(registry, name)
    assert (result.status, result.is_error) == ("error", True)
    assert str(result.content).startswith(says)


def test_many_calls_are_made_at_once_while_others_misbehave(registry: Registry) -> None:
    limits = replace(LIMITS, seconds=3)
    with ThreadPoolExecutor(30) as pool:
        bad = [
            pool.submit(call, registry, name, limits)
            for name in ("loop", "leave", "flood", "recurse", "fail")
        ]
        good = [pool.submit(call, registry, "book", day=str(number)) for number in range(25)]
        assert [one.result().content for one in good] == [f"2 on {number}" for number in range(25)]
        assert {one.result().is_error for one in bad} == {True}


def test_under_gevent_the_process_goes_on_while_tools_misbehave(tmp_path: Path) -> None:
    program = Path(__file__).parent / "under_gevent.py"
    done = subprocess.run(
        [sys.executable, str(program), folder_of(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["statuses"].pop("take_all_memory") in {"error", "timeout"}, "it may take its time"
    assert found["statuses"] == {
        "loop": "timeout",
        "stay_with_programs": "timeout",
        "flood": "error",
        "leave": "error",
        "recurse": "error",
        "leave_a_thread": "ok",
    }
    assert found["good"] >= 20, "other calls went on"
    assert found["longest_pause_seconds"] < 0.5, "so did everything else in the process"
    assert found["left"] == []
