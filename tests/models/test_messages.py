"""A path is read by ranges of its branches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.models.messages import select_message, select_messages_of, select_path
from app.services import transfer, users
from app.services.identity import Caller, identify
from app.services.transactions import reading

# id, the message above. Two branches grow from b and one from d; a second root stands apart.
TREE = (("a", None), ("b", "a"), ("c", "b"), ("d", "b"), ("e", "d"), ("f", "d"), ("g", "f"), ("z", None))


@pytest.fixture
def ids(app: Flask, people: None) -> Iterator[dict[str, str]]:
    """The stored ids by name."""
    with app.app_context():
        caller = identify(users.add_key(users.add("Ada").id, "test")[1])
        said = [
            {"id": one, "parent_id": above, "role": "user", "content": [{"type": "text", "text": one}]}
            for one, above in TREE
        ]
        chat = transfer.import_(caller, {}, said).chat
        rows = transfer.export(caller, chat.id).messages
        yield {**{one.content[0]["text"]: one.id for one in rows}, "owner": caller.user_id}


@pytest.mark.parametrize(
    ("head", "low", "high", "expected"),
    [
        ("a", 0, 9, "a"),
        ("c", 0, 9, "abc"),
        ("d", 0, 9, "abd"),
        ("e", 0, 9, "abde"),
        ("g", 0, 9, "abdfg"),
        ("z", 0, 9, "z"),
        ("b", 0, 9, "ab"),
        ("g", 1, 3, "bdf"),
        ("g", 4, 4, "g"),
        ("g", -5, 0, "a"),
        ("g", 5, 9, ""),
        ("g", 3, 2, ""),
        ("c", 2, 9, "c"),
    ],
)
def test_a_range_of_a_path_holds_what_stands_there(
    ids: dict[str, str], head: str, low: int, high: int, expected: str
) -> None:
    with reading() as session:
        rows = session.scalars(select_path(ids[head], low, high)).all()
    assert "".join(one.content[0]["text"] for one in rows) == expected


def test_there_is_no_path_to_nowhere(ids: dict[str, str]) -> None:
    with reading() as session:
        assert session.scalars(select_path("msg_x", 0, 9)).all() == []


def test_messages_are_their_owners(ids: dict[str, str]) -> None:
    stranger: Caller = identify(users.add_key(users.add("Bob").id, "test")[1])
    with reading() as session:
        assert len(session.scalars(select_messages_of(ids["owner"])).all()) == len(TREE)
        assert session.scalars(select_messages_of(stranger.user_id)).all() == []
        assert session.scalar(select_message(ids["owner"], ids["c"])) is not None
        assert session.scalar(select_message(stranger.user_id, ids["c"])) is None
