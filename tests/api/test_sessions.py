"""Sessions, over HTTP, on both databases."""

from __future__ import annotations

import pytest

from tests.support import Api, CountRows


def test_a_session_keeps_its_settings(api: Api) -> None:
    settings = {"title": "Monads", "model": "claude-opus-5-5", "system": "Be brief.", "max_tokens": 100}
    answer = api.post("/sessions", json={**settings, "metadata": {"b": 1, "a": [None]}})
    body = answer.json()
    assert answer.status_code == 201
    assert {name: body[name] for name in settings} == settings
    assert list(body["metadata"]) == ["b", "a"], "in the order they came"
    assert (body["status"], body["archived"], body["head_id"]) == ("idle", False, None)
    assert body["created_at"].endswith("Z")
    assert api.get(answer.headers["Location"]).json() == body


def test_a_session_needs_no_body_and_null_is_the_default(api: Api) -> None:
    assert api.post("/sessions").status_code == 201
    settings = dict.fromkeys(("title", "model", "system", "max_tokens", "metadata"))
    assert api.post("/sessions", json=settings).json()["metadata"] == {}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"titel": "x"}, "/titel"),
        ({"title": 5}, "/title"),
        ({"title": "x" * 501}, "/title"),
        ({"title": "\0"}, "/title"),
        ({"max_tokens": 0}, "/max_tokens"),
        ({"max_tokens": "5"}, "/max_tokens"),
        ({"max_tokens": True}, "/max_tokens"),
        ({"max_tokens": 1.5}, "/max_tokens"),
        ({"metadata": [1]}, "/metadata"),
        ({"metadata": {"a": "x" * 20_000}}, "/metadata"),
        ({"archived": True}, "/archived"),
    ],
)
def test_wrong_settings_are_named(api: Api, body: dict[str, object], pointer: str) -> None:
    answer = api.post("/sessions", json=body)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


def test_only_what_is_named_is_changed_and_null_resets(api: Api) -> None:
    session_id = api.session(title="A", system="B")
    body = api.patch(f"/sessions/{session_id}", json={"system": None, "archived": True}).json()
    assert (body["title"], body["system"], body["archived"]) == ("A", None, True)


def test_if_match_protects_from_undoing_anothers_work(api: Api) -> None:
    session_id = api.session(title="A")
    seen = api.get(f"/sessions/{session_id}").headers["ETag"]
    assert (
        api.patch(f"/sessions/{session_id}", json={"title": "B"}, headers={"If-Match": seen}).status_code
        == 200
    )
    refused = api.patch(f"/sessions/{session_id}", json={"title": "C"}, headers={"If-Match": seen})
    assert refused.status_code == 412
    assert refused.json()["code"] == "precondition_failed"
    current = refused.headers["ETag"]
    assert current == api.get(f"/sessions/{session_id}").headers["ETag"] != seen
    assert api.delete(f"/sessions/{session_id}", headers={"If-Match": seen}).status_code == 412
    assert api.delete(f"/sessions/{session_id}", headers={"If-Match": current}).status_code == 200
    assert api.get(f"/sessions/{session_id}").status_code == 404


def test_the_etag_changes_with_a_new_message(api: Api) -> None:
    session_id = api.session()
    before = api.get(f"/sessions/{session_id}").headers["ETag"]
    api.say(session_id, "Hello")
    assert api.get(f"/sessions/{session_id}").headers["ETag"] != before


def test_the_newest_session_is_listed_first(api: Api) -> None:
    made = [api.session(title=str(number)) for number in range(3)]
    assert [one["id"] for one in api.get("/sessions").json()["data"]] == made[::-1]
    assert [one["id"] for one in api.get("/sessions?order=asc").json()["data"]] == made


def test_a_list_is_read_page_by_page_while_rows_come_and_go(api: Api) -> None:
    made = [api.session() for _ in range(7)]
    first = api.get("/sessions?limit=3&order=asc").json()
    api.delete(f"/sessions/{made[1]}")
    api.delete(f"/sessions/{made[2]}")
    made.append(api.session())
    second = api.get(f"/sessions?limit=3&order=asc&cursor={first['next_cursor']}").json()
    third = api.get(f"/sessions?limit=3&order=asc&cursor={second['next_cursor']}").json()
    found = [one["id"] for page in (first, second, third) for one in page["data"]]
    assert found == made
    assert (first["has_more"], third["has_more"], third["next_cursor"]) == (True, False, None)


def test_sessions_are_found_by_title_model_and_archive(api: Api) -> None:
    monads = api.session(title="On Monads", model="claude-opus-5-5")
    percent = api.session(title="100% sure_")
    api.patch(f"/sessions/{monads}", json={"archived": True})

    def found(query: str) -> list[str]:
        return [one["id"] for one in api.get(f"/sessions?{query}").json()["data"]]

    assert found("q=monad") == [monads]
    assert found("q=%25") == [percent], "a percent sign is no wildcard"
    assert found("q=sure_") == [percent]
    assert found("archived=true") == [monads]
    assert found("archived=false") == [percent]
    assert found("model=claude-opus-5-5") == [monads]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "order=up", "cursor=x", "nonsense=1", "archived=2"]
)
def test_a_wrong_query_is_refused_and_named(api: Api, query: str) -> None:
    answer = api.get(f"/sessions?{query}")
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [
        f"/query/{query.split('=', maxsplit=1)[0]}"
    ]


def test_a_cursor_of_another_list_is_refused(api: Api) -> None:
    session_id = api.session()
    api.say(session_id, "Hello")
    cursor = api.get(f"/sessions/{session_id}/messages?limit=1").json()["next_cursor"]
    assert api.get(f"/sessions?cursor={cursor}").status_code == 422


def test_messages_are_paged_from_both_ends(api: Api) -> None:
    session_id = api.session()
    for number in range(3):
        api.say(session_id, str(number))
    whole = [one["id"] for one in api.path(session_id)]
    for order, expected in (("asc", whole), ("desc", whole[::-1])):
        found, cursor = [], ""
        while True:
            page = api.get(f"/sessions/{session_id}/messages?limit=4&order={order}{cursor}").json()
            found += [one["id"] for one in page["data"]]
            if not page["has_more"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert found == expected


def test_deleting_a_session_leaves_no_row_behind(api: Api, count_rows: CountRows) -> None:
    session_id = api.session()
    api.say(session_id, "Hello")
    assert api.delete(f"/sessions/{session_id}").status_code == 200
    assert api.get("/messages?q=Hello").json()["data"] == []
    left = count_rows()
    assert {name: left[name] for name in ("sessions", "messages", "turns", "message_index")} == {
        "sessions": 0,
        "messages": 0,
        "turns": 0,
        "message_index": 0,
    }


def test_a_session_deleted_while_it_answers_is_gone_for_good(api: Api, count_rows: CountRows) -> None:
    session_id = api.session()
    with api.sending(session_id, "[[reply: words=20 seconds_per_event=0.02]]") as chunks:
        next(chunks)
        assert api.delete(f"/sessions/{session_id}").status_code == 200
        assert list(chunks)
    assert count_rows()["messages"] == 0
    assert count_rows()["message_index"] == 0
