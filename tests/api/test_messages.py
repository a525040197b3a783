"""Reading and searching messages, over HTTP, on both databases."""

from __future__ import annotations

from tests.support import Api

HOSTILE = (
    '"',
    "'; DROP TABLE messages; --",
    "*",
    "a AND OR NOT",
    "NEAR(",
    "-",
    "body:hello",
    "%",
    "&|!",
    "the",
)


def test_a_message_is_read_alone(api: Api) -> None:
    session_id = api.session()
    made = api.say(session_id, "Hello")
    answer = api.get(f"/messages/{made['id']}")
    assert answer.json() == made
    assert answer.headers["ETag"]


def test_content_keeps_the_order_of_its_keys_and_every_character(api: Api) -> None:
    text = "Ünï©ødé 漢字 🎈 \t \u0001 \0 \u2028"
    content = [{"text": text, "type": "text"}]
    session_id = api.session()
    api.say(session_id, content)
    stored = api.path(session_id)[0]["content"]
    assert stored == content
    assert list(stored[0]) == ["text", "type"]


def test_search_finds_all_words_and_marks_them(api: Api) -> None:
    session_id = api.session()
    api.say(session_id, "The monads of Haskell are <b>running</b>")
    api.say(session_id, "Something else entirely")
    found = api.get("/messages?q=monad run").json()["data"]
    first = next(one for one in found if one["message"]["role"] == "user")
    assert "<mark>monads</mark>" in first["snippet"]
    assert "<mark>running</mark>" in first["snippet"]
    assert "&lt;b&gt;" in first["snippet"], "the rest is escaped"
    assert api.get("/messages?q=monad nonsense").json()["data"] == []


def test_the_best_match_comes_first(api: Api) -> None:
    session_id = api.session()
    api.say(session_id, "zebra " + "and many other words that are about something else " * 5)
    api.say(session_id, "zebra zebra zebra")
    found = [one for one in api.get("/messages?q=zebra").json()["data"] if one["message"]["role"] == "user"]
    assert found[0]["message"]["content"][0]["text"] == "zebra zebra zebra"
    assert found[0]["score"] > found[1]["score"]


def test_search_keeps_to_one_session_when_asked(api: Api) -> None:
    one, two = api.session(), api.session()
    api.say(one, "giraffe")
    api.say(two, "giraffe")
    found = api.get(f"/messages?q=giraffe&session_id={two}").json()["data"]
    assert {match["message"]["session_id"] for match in found} == {two}


def test_search_is_paged_without_a_gap(api: Api) -> None:
    session_id = api.session()
    for number in range(5):
        api.say(session_id, f"walrus number {number}")
    whole = [one["message"]["id"] for one in api.get("/messages?q=walrus").json()["data"]]
    paged, cursor = [], ""
    while True:
        page = api.get(f"/messages?q=walrus&limit=3{cursor}").json()
        paged += [one["message"]["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert paged == whole
    assert len(whole) == 10, "the simulator repeats what it was told"


def test_what_cannot_be_searched_finds_nothing_and_breaks_nothing(api: Api) -> None:
    api.say(api.session(), "Hello")
    for query in HOSTILE:
        answer = api.get("/messages", params={"q": query})
        assert answer.status_code == 200, query
    assert api.get("/messages").status_code == 422
    assert api.get("/messages?q=").status_code == 422
    assert api.get("/messages?q=%00").status_code == 422


def test_a_long_message_is_stored_and_found_by_its_beginning(api: Api) -> None:
    session_id = api.session()
    long = "pangolin " + " ".join(f"word{number}" for number in range(60_000))
    assert api.say(session_id, long)["status"] == "complete"
    assert api.get("/messages?q=pangolin").json()["data"]
