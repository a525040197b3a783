"""One request carried out: every event in the log, and an outcome whatever happens."""

from __future__ import annotations

from collections.abc import Iterator

from app.claude.events import Event
from app.errors import UpstreamFailed
from app.turns.log import Log
from app.turns.run import run

START = Event.made("message_start", {"message": {"model": "m"}})
BLOCK = Event.made("content_block_start", {"index": 0, "content_block": {"type": "text", "text": "Hi"}})
STOP = Event.made("message_stop", {})


def test_every_event_goes_into_the_log_as_it_comes() -> None:
    log = Log()
    outcome = run(iter([START, BLOCK, STOP]), log)
    assert log.events == [START, BLOCK, STOP]
    assert (outcome.status, outcome.error) == ("complete", None)
    assert outcome.reply.content == [{"type": "text", "text": "Hi"}]


def test_an_error_of_claudes_is_part_of_the_outcome() -> None:
    def breaks() -> Iterator[Event]:
        yield START
        yield BLOCK
        raise UpstreamFailed("cut")

    outcome = run(breaks(), Log())
    assert outcome.status == "failed"
    assert isinstance(outcome.error, UpstreamFailed)
    assert outcome.reply.content == [{"type": "text", "text": "Hi"}]
