"""How large the messages of a path are: counted, told, guessed, or estimated anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.context import Entry
from app.context.rates import PRIOR
from app.context.sizes import MOST_MEASURED, measured, of_thinking, spoken
from tests.context.talks import Talk, answer, call, in_line, result, spent, text, thinking, turns, user

IMAGE = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}


def test_what_claude_counted_stands_and_the_rest_is_estimated() -> None:
    path = in_line(
        replace(user("One"), tokens=123, is_counted=True), answer(text("Two")), user("Three " * 50)
    )
    found = measured(path, None, PRIOR)
    assert found.tokens[0] == 123
    assert found.tokens[2] == pytest.approx(spent([text("Three " * 50)]), rel=0.4)
    assert (list(found.fresh), list(found.guesses)) == ([1, 2], [])


def test_nothing_that_is_not_sent_has_a_size() -> None:
    path = in_line(
        user("One"), answer(text("I call"), call("x")), user("Never mind"), Entry("r", "user", [result("y")])
    )
    found = measured(path, None, PRIOR)
    assert found.tokens[3] == 0
    bare = measured(in_line(user("One"), answer(text("I call")), user("Never mind")), None, PRIOR)
    assert list(found.tokens[:3]) == list(bare.tokens)


def test_what_a_cut_leaves_out_takes_no_room_from_its_twin() -> None:
    said = "found " * 100
    path = in_line(
        *(user("One"), answer(text("I call"), call("x")), Entry("r", "user", [result("x"), text("So?")])),
        *(user("Two"), answer(text("Again"), call("x")), Entry("s", "user", [result("x", said)])),
    )
    assert measured(path, None, PRIOR).tokens[5] == 0, "the id was taken"
    assert measured(path, None, PRIOR, start=3).tokens[5] == pytest.approx(
        spent([result("x", said)]), rel=0.4
    )


def test_of_a_long_import_only_the_newest_is_estimated_anew() -> None:
    path = [replace(one, tokens=77) for one in turns(MOST_MEASURED)]
    found = measured([*path, user("Now", len(path))], None, PRIOR)
    assert list(found.fresh) == [len(path)]
    assert set(found.tokens[:-1]) == {77}
    assert len(found.guesses) == len(path)


def test_an_answer_that_told_its_size_has_no_doubt() -> None:
    talk = Talk()
    talk.turn("word " * 50, text("word " * 100))
    assert talk.state is not None
    path = [*talk.path, user("Hm", 2)]
    told = measured(path, talk.state, talk.state.rates)
    untold = measured(path, replace(talk.state, is_answer_told=False), talk.state.rates)
    assert told.tokens[1] == talk.path[1].tokens
    assert (set(told.told), set(untold.told)) == ({1}, set())
    assert sum(told.doubtful_from(0)) < sum(untold.doubtful_from(0))
    assert sum(told.doubtful_from(1)) == sum(untold.doubtful_from(2)) > sum(told.doubtful_from(3)) == 0


def test_files_are_there_until_claude_has_counted_them() -> None:
    shown = Entry("p", "user", [IMAGE, text("Look")], depth=0)
    assert measured([shown], None, PRIOR).has_files
    assert not measured([replace(shown, tokens=900, is_counted=True)], None, PRIOR).has_files
    talk = Talk(path=[shown])
    failed = talk.prompt_for(user("Hm", 1)).state
    assert measured([shown, user("Hm", 1), user("So?", 2)], failed, PRIOR).has_files, "nobody counted it yet"
    inside = Entry(
        "t", "user", [text("Look"), {"type": "tool_result", "tool_use_id": "x", "content": [IMAGE]}]
    )
    asked = in_line(user("One"), answer(call("x")), inside)
    assert measured(asked, None, PRIOR).has_files


def test_thinking_is_at_least_a_token_a_block_and_apart() -> None:
    thought = answer(thinking(), thinking("s", "Let me see. " * 20), text("Yes"))
    assert of_thinking(answer(thinking(), text("Yes")), PRIOR) == 1
    assert of_thinking(thought, PRIOR) > 50
    assert spoken(thought.content) == [text("Yes")]
    assert measured([user("One"), thought], None, PRIOR).tokens[1] < 20


def test_where_claude_counts_more_all_is_more() -> None:
    found = measured(in_line(user("One " * 50), user("Two " * 50)), None, PRIOR)
    assert [more / one for one, more in zip(found.tokens, found.times(1.5).tokens, strict=True)] == (
        pytest.approx([1.5, 1.5], rel=0.01)
    )
