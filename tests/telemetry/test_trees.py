"""Traces as they are kept: whatever calls were given and gave, it is JSON without secrets, not too much."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.telemetry import trees
from app.telemetry.redaction import MASK, Redactor
from app.telemetry.tracing import ERROR, TOOL, TURN, Span
from app.telemetry.trees import Tree, cut, kept, name_of, thin, walk

SECRET = "hunter2-and-more-0123"
MASKS = Redactor([SECRET])
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=5)
    | st.datetimes(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


def tree_of(output: Any = None, *children: Span, **more: Any) -> Tree:
    """A turn's tree as it is kept."""
    limits = {name: more.pop(name) for name in ("most_of_a_text", "most_in_all") if name in more}
    return kept(Span("turn", TURN, output=output, children=list(children), ms=5.0, **more), MASKS, **limits)


def test_plain_values_are_kept_as_they_are() -> None:
    said = {"b": [1, 2.5, None, True, "text\0 \ud800"], "a": {"nested": []}}
    tree = tree_of(said, input=said)
    assert tree["input"] == tree["output"] == said
    assert list(tree["output"]) == ["b", "a"]


@given(ANYTHING, ANYTHING)
def test_whatever_it_is_it_becomes_json(said: Any, gave: Any) -> None:
    tree = tree_of(gave, Span("call", TOOL, said, ms=1.0))
    assert json.loads(json.dumps(tree, allow_nan=False)) == tree


def test_what_is_no_json_says_what_it_was() -> None:
    tree = tree_of(
        [b"raw", datetime(2026, 1, 1, tzinfo=UTC), math.inf, 10**2_000, (1, 2), {3: "x"}, object()]
    )
    assert tree["output"][:3] == ["[bytes]", "[datetime]", "inf"]
    assert tree["output"][3:] == ["[a number of 6644 bits]", [1, 2], {"3": "x"}, "[object]"]


def test_what_is_nested_without_end_or_in_itself_has_one() -> None:
    deep: list[Any] = []
    deep.append(deep)
    assert "nested deeper" in json.dumps(tree_of(deep))


def test_a_secret_is_masked_in_values_names_of_fields_and_names_of_calls() -> None:
    call = Span(f"call {SECRET}", TOOL, {SECRET: f"is {SECRET}"}, [SECRET], ms=1.0)
    text = json.dumps(tree_of(SECRET, call))
    assert SECRET not in text
    assert text.count(MASK) == 5


def test_in_an_error_whatever_is_shaped_like_a_key_is_masked() -> None:
    says = {"error": "ValueError", "detail": "no access with sk-ant-api03-0123456789abcdef"}
    (failed, fine) = tree_of(
        None, Span("a", output=says, status=ERROR, ms=1.0), Span("b", output=says, ms=1.0)
    )["children"]
    assert failed["output"] == {"error": "ValueError", "detail": f"no access with {MASK}"}
    assert fine["output"] == says, "what people write may be about keys"


def test_a_long_text_loses_its_middle_and_says_so() -> None:
    tree = tree_of(["a" * 700 + "b" * 700], most_of_a_text=1_000)
    assert tree["output"] == ["a" * 500 + "\n[400 characters are left out]\n" + "b" * 500]
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 1) == "a\n[3 characters are left out]\n"


@given(st.integers(470, 530))
def test_a_secret_at_the_cut_is_masked_whole(at: int) -> None:
    text = json.dumps(tree_of("x" * at + SECRET + "y" * 2_000, most_of_a_text=1_000))
    assert not any(SECRET[start : start + 6] in text for start in range(len(SECRET) - 6))


def test_of_too_much_the_largest_outputs_go_first() -> None:
    sizes = {"small": 1_000, "large": 5_000, "middle": 3_000}
    calls = [Span(name, TOOL, "i" * 500, "o" * size, ms=1.0) for name, size in sizes.items()]
    tree = tree_of(None, *calls, most_in_all=8_500)
    outputs = {one["name"]: one["output"] for one in tree["children"]}
    assert outputs["large"] == "[5008 characters are left out]"
    assert [len(outputs[name]) for name in ("small", "middle")] == [1_000, 3_000]
    assert {one["input"] for one in tree["children"]} == {"i" * 500}


def test_inputs_go_where_that_is_not_enough_and_what_is_left_is_within_the_limit() -> None:
    calls = [Span("call", TOOL, "i" * 5_000, "o" * 100, ms=1.0) for _ in range(20)]
    tree = tree_of(None, *calls, most_in_all=30_000)
    assert {one["output"] for one in tree["children"]} == {"[108 characters are left out]"}
    assert "[5008 characters are left out]" in {one["input"] for one in tree["children"]}
    assert len(json.dumps(tree)) <= 30_000


def test_a_text_that_is_larger_than_all_may_be_is_not_even_looked_through() -> None:
    assert tree_of("x" * 2_000, most_in_all=1_500)["output"] == "[2000 characters are left out]"


def test_of_too_many_values_the_rest_is_counted() -> None:
    tree = tree_of([{"a": at} for at in range(trees.MOST_VALUES)], Span("b", output=list(range(9)), ms=1.0))
    assert len(tree["output"]) == trees.MOST_VALUES // 2 + 1
    assert tree["children"][0]["output"] == ["[9 more are left out]"]
    big = {str(at): at for at in range(trees.MOST_VALUES + 5)}
    assert tree_of(big)["output"]["…"] == "[6 more are left out]"


def test_of_too_many_calls_the_rest_is_counted() -> None:
    tree = tree_of(None, *(Span(str(at), ms=1.0) for at in range(6)))
    tree["children"][0]["children"] = tree_of(None, *(Span("inner", ms=1.0) for _ in range(3)))["children"]
    thin(tree, 5)
    assert [one["name"] for one in tree["children"]] == ["0", "1", "2", "3", "…"]
    assert tree["children"][-1]["output"] == "[2 more calls are left out]"
    assert [one["output"] for one in tree["children"][0]["children"]] == ["[3 more calls are left out]"]
    assert len(list(walk(tree))) == 7


def test_names_are_such_as_every_database_keeps() -> None:
    assert name_of("a\0b\ud800" + "c" * 500) == "ab?" + "c" * 197
