"""Export and import: whatever tree goes out comes in as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.billing.usage import CLASSES
from app.errors import Invalid
from app.models.messages import STATUSES, Message
from app.services import sessions, transfer
from app.services.identity import Caller
from app.services.pages import Ask
from tests.support import CountRows

STORED = ("role", "content", "status", "model", "stop_reason", "problem", "client_metadata", "bound_to")
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
JSON = st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5), max_size=3)
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SAID = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant"]),
        "content": st.lists(st.text().map(lambda text: {"text": text, "type": "text"}), max_size=2),
        "above": st.none() | st.integers(0, 50),
    },
    optional={
        "status": st.sampled_from([one for one in STATUSES if one != "running"]),
        "model": st.none() | WORDS,
        "stop_reason": st.none() | WORDS,
        "bound_to": st.none() | WORDS,
        "metadata": JSON,
        "error": st.none() | JSON,
        "created_at": TIMES,
        "usage": st.none() | st.fixed_dictionaries({name: st.integers(0, 2**31 - 1) for name in CLASSES}),
    },
)


def said(text: str, **values: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text}], **values}


def tree(drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages with ids, each below one that stands before it, or a root."""
    made = []
    for at, one in enumerate(drawn):
        above = one["above"]
        parent = str(above % at) if at and above is not None else None
        made.append(
            {**{name: one[name] for name in one if name != "above"}, "id": str(at), "parent_id": parent}
        )
    return made


def shape(rows: list[Message], head_id: str | None) -> tuple[list[Any], Any]:
    places = {one.id: at for at, one in enumerate(rows)}
    return [places.get(one.parent_id or "") for one in rows], places.get(head_id or "")


def values(row: Message) -> list[Any]:
    return [getattr(row, name) for name in (*STORED, *CLASSES, "created_at")]


def as_draft(row: Message) -> dict[str, Any]:
    usage = {name: getattr(row, name) for name in CLASSES}
    return {
        **{name: getattr(row, name) for name in ("id", "parent_id", *STORED[:5], "bound_to", "created_at")},
        "error": row.problem,
        "metadata": row.client_metadata,
        "usage": None if row.input_tokens is None else usage,
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(st.lists(SAID, max_size=12), st.integers(0, 11))
def test_any_tree_comes_in_as_it_went_out(ada: Caller, drawn: list[dict[str, Any]], head: int) -> None:
    made = tree(drawn)
    named = {"head_id": str(head)} if head < len(made) else {}
    first = transfer.import_(ada, {**named, "title": "T"}, made).chat
    out = transfer.export(ada, first.id)
    assert [one.content for one in out.messages] == [one["content"] for one in made]
    assert shape(out.messages, first.head_id)[0] == [
        one["parent_id"] and int(one["parent_id"]) for one in made
    ]
    assert first.head_id == (out.messages[min(head, len(made) - 1)].id if made else None) or head >= len(made)
    second = transfer.import_(ada, {"head_id": first.head_id}, [as_draft(one) for one in out.messages]).chat
    again = transfer.export(ada, second.id)
    assert [values(one) for one in again.messages] == [values(one) for one in out.messages]
    assert shape(again.messages, second.head_id) == shape(out.messages, first.head_id)
    assert [getattr(second, name) for name in CLASSES] == [getattr(first, name) for name in CLASSES]


def test_a_long_conversation_is_one_branch_and_read_from_its_end(ada: Caller) -> None:
    chat = transfer.import_(ada, {}, [said(f"number {at}") for at in range(900)]).chat
    rows = transfer.export(ada, chat.id).messages
    assert len({one.branch_id for one in rows}) == 1
    assert [one.depth for one in rows] == list(range(900))
    last = sessions.path_page(ada, chat.id, Ask(2, True)).rows
    assert [one.content[0]["text"] for one in last] == ["number 899", "number 898"]


def test_a_wide_tree_has_a_branch_for_each_but_the_first_child(ada: Caller) -> None:
    children = [said(str(at), parent_id="root") for at in range(50)]
    chat = transfer.import_(ada, {}, [said("root", id="root", parent_id=None), *children]).chat
    rows = transfer.export(ada, chat.id).messages
    assert len({one.branch_id for one in rows}) == 50
    assert {one.depth for one in rows[1:]} == {1}
    assert chat.head_id == rows[-1].id


def test_an_answer_that_was_running_elsewhere_is_interrupted_here(ada: Caller) -> None:
    chat = transfer.import_(ada, {}, [said("a", status="running")]).chat
    assert [one.status for one in transfer.export(ada, chat.id).messages] == ["interrupted"]
    assert not chat.is_running


def test_times_of_another_zone_are_kept_as_the_same_moment(ada: Caller) -> None:
    at = datetime(2026, 1, 1, 3, tzinfo=timezone(timedelta(hours=5)))
    chat = transfer.import_(ada, {"created_at": at}, [said("a", created_at=at)]).chat
    (row,) = transfer.export(ada, chat.id).messages
    assert row.created_at == chat.created_at == at
    assert row.created_at.tzinfo is UTC


@pytest.mark.parametrize(
    "messages",
    [
        [said("a", id="a", parent_id="a")],
        [said("a", id="a", parent_id="b"), said("b", id="b", parent_id=None)],
        [said("a"), said("b", parent_id="")],
    ],
)
def test_what_is_no_tree_is_refused_and_leaves_nothing(
    ada: Caller, count_rows: CountRows, messages: list[dict[str, Any]]
) -> None:
    with pytest.raises(Invalid) as caught:
        transfer.import_(ada, {}, messages)
    assert caught.value.faults[0].pointer.endswith("/parent_id")
    assert count_rows().items() >= {"sessions": 0, "messages": 0, "message_index": 0}.items()


def test_markdown_shows_the_path_to_the_head_alone(ada: Caller) -> None:
    picture = {"type": "image", "source": {}}
    messages = [
        said("Root", id="r"),
        said("Left", id="a", parent_id="r", role="assistant"),
        said("Right", id="b", parent_id="r", role="assistant", status="failed"),
        {"role": "user", "content": [picture], "id": "c", "parent_id": "b"},
        said("Aside", parent_id="a"),
    ]
    chat = transfer.import_(ada, {"head_id": "c"}, messages).chat
    assert transfer.as_markdown(ada, chat.id) == (
        "# Untitled\n\n## You\n\nRoot\n\n## Claude\n\nRight\n\n*(failed)*\n\n## You\n\n*[image]*\n"
    )
    assert transfer.as_markdown(ada, sessions.create(ada, {"title": "Empty"}).chat.id) == "# Empty\n"
