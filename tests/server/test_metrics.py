"""/metrics of servers as they are run: the figures of all processes, and of no server before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.figures import OPEN_METRICS, scraped
from tests.server.conftest import Server

Serve = Callable[..., Server]
SLOW = "[[reply: words=60 seconds_per_event=0.2]]"
TURNS = 12


def folders(at: Path) -> list[Path]:
    return list(at.glob("colloquy-metrics-*"))


def say_many(server: Server) -> None:
    """Each over a connection of its own, and all at once, so that all processes come by some."""

    def say() -> None:
        with server.access() as api:
            api.say(api.session(), "Hello")

    threads = [threading.Thread(target=say) for _ in range(TURNS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def check(server: Server, begun: int) -> None:
    """What was said is counted, whichever process answers."""
    for accept in (OPEN_METRICS, "text/plain") * 3:
        with server.access() as api:
            found = scraped(api, accept)
        assert found['turns_total{status="complete"}'] == TURNS
        assert found["first_event_seconds_count"] == begun
        route = 'method="POST",route="/sessions/<id:session_id>/messages"'
        assert found[f'requests_total{{{route},status="201"}}'] == TURNS


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_any_process_tells_the_sums_of_all_also_after_they_have_died(
    serve: Serve, database_url: str, tmp_path: Path
) -> None:
    environ = {"DATABASE_URL": database_url, "COLLOQUY_WORKERS": "2", "TMPDIR": str(tmp_path)}
    server = serve(**environ).wait_until_ready()
    say_many(server)
    check(server, TURNS)
    (folder,) = folders(tmp_path)
    workers = server.workers()
    assert {f"counter_{one.pid}.db" for one in workers} <= {one.name for one in folder.iterdir()}
    with server.access() as api, api.sending(api.session(), SLOW) as chunks:
        next(chunks)
        assert scraped(api)["open_streams"] == 1
        for one in workers:
            one.kill()
            one.wait(10)
    server.wait_until_ready()
    check(server, TURNS + 1)
    with server.access() as api:
        assert scraped(api)["open_streams"] == 0
    assert server.stop() == 0
    assert folders(tmp_path) == []


def test_what_a_server_that_was_killed_had_counted_is_not_counted_again(serve: Serve, tmp_path: Path) -> None:
    environ = {"TMPDIR": str(tmp_path)}
    server = serve(**environ).wait_until_ready()
    with server.access() as api:
        api.say(api.session(), "Hello")
        assert scraped(api)['turns_total{status="complete"}'] == 1
    server.kill()
    (left,) = folders(tmp_path)
    again = serve(**environ).wait_until_ready()
    assert left not in folders(tmp_path)
    beside = serve(**environ).wait_until_ready()
    assert len(folders(tmp_path)) == 2, "what is in use is not removed"
    with again.access() as api, beside.access() as other:
        api.say(api.session(), "Hello")
        assert scraped(api)['turns_total{status="complete"}'] == 1
        assert scraped(other)['turns_total{status="complete"}'] == 0
