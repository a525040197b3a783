"""Secrets are masked in whatever is written, also where they come in pieces."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.telemetry import redaction
from app.telemetry.encodings import encodings
from app.telemetry.needles import merged
from app.telemetry.redaction import MASK, Redactor, Trickle
from tests.telemetry.test_encodings import FORMS, KEY, PASSWORD

KNOWN = "hunter2-the-password"
LETTERS = st.sampled_from("ab1-")
SECRETS = st.lists(st.text(LETTERS, min_size=16, max_size=24), min_size=1, max_size=3)


@st.composite
def texts(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Secrets, and a text in pieces that holds some of them, or parts of them, in any encoding."""
    secrets = draw(SECRETS)
    needles = sorted(one for secret in secrets for one in encodings(secret))
    parts = st.one_of(
        st.text(LETTERS, max_size=6),
        st.sampled_from(needles),
        st.builds(lambda one, most: one[:most], st.sampled_from(needles), st.integers(1, 20)),
    )
    text = "".join(draw(st.lists(parts, max_size=6)))
    borders = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return secrets, [text[a:b] for a, b in itertools.pairwise([0, *borders, len(text)])]


def come(redactor: Redactor, pieces: Sequence[str]) -> list[str]:
    trickle = Trickle(redactor)
    return [*(trickle.take(one) for one in pieces), trickle.rest()]


def spans_of(text: str, secrets: Sequence[str]) -> list[tuple[int, int]]:
    needles = {one for secret in secrets for one in encodings(secret)}
    return merged(
        (at, at + len(one)) for one in needles for at in range(len(text)) if text.startswith(one, at)
    )


@given(texts())
def test_in_pieces_it_is_masked_as_it_is_in_one(given_: tuple[list[str], list[str]]) -> None:
    """But that up to three characters, which alone are no secret's, may have gone before a mask."""
    secrets, pieces = given_
    text, joined = "".join(pieces), "".join(come(Redactor(secrets), pieces))
    at, expected = 0, ""
    for start, stop in spans_of(text, secrets):
        head = "".join(f"(?:{re.escape(sign)}" for sign in text[start : start + 3]) + ")?" * 3
        expected += f"{re.escape(text[at:start])}{head}(?:{re.escape(MASK)})+"
        at = stop
    assert re.fullmatch(expected + re.escape(text[at:]), joined)
    assert not any(one in joined for secret in secrets for one in encodings(secret))


@given(texts())
def test_in_pieces_that_cut_no_beginning_it_is_masked_just_as_in_one(
    given_: tuple[list[str], list[str]],
) -> None:
    secrets, pieces = given_
    text, redactor = "".join(pieces), Redactor(secrets)
    borders = set(itertools.accumulate(map(len, pieces)))
    needles = {one for secret in secrets for one in encodings(secret)}
    starts = {at for one in needles for at in range(len(text)) if text.startswith(one, at)}
    assume(not any({start + 1, start + 2, start + 3} & borders for start in starts))
    assert "".join(come(redactor, pieces)) == redactor.known(text)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=8))
def test_pieces_without_secrets_pass_as_they_are(pieces: list[str]) -> None:
    trickle = Trickle(Redactor([KEY, PASSWORD]))
    assert all(trickle.take(one) is one for one in pieces)
    assert trickle.rest() == ""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [KEY, PASSWORD])
def test_each_form_is_masked_letter_by_letter(value: str, form: str) -> None:
    text = f"it said {FORMS[form](value)} and went on"
    redactor = Redactor([value])
    joined = "".join(come(redactor, list(text)))
    assert MASK in joined
    assert MASK in redactor.known(text)
    assert not any(one in joined for one in encodings(value))


def test_only_a_beginning_of_four_characters_is_held_back() -> None:
    trickle = Trickle(Redactor([KEY]))
    assert trickle.take("it is sk-") == "it is sk-"
    assert trickle.take("a") == ""
    assert trickle.take(" trickle") == "a trickle"
    assert trickle.take("it is sk-a") == "it is "
    assert trickle.take(KEY[4:-1]) == ""
    assert trickle.take(KEY[-1:]) == MASK
    assert trickle.take(KEY[:-1]) == ""
    assert trickle.rest() == KEY[:-1]


@pytest.mark.parametrize(
    "text",
    [
        f"it is {KNOWN}!",
        "Authorization: Bearer abcdefghijkl",
        "{'authorization': 'bearer abcdefghijkl'}",
        "key clq_0123456789abcdef was used",
        "sk-ant-api03-abcdefghijkl",
        "postgresql://user:abcdefghijkl@host/db",
        "host=db password=abcdefghijkl dbname=x",
    ],
)
def test_secrets_are_masked(text: str) -> None:
    shown = Redactor([KNOWN])(text)
    assert MASK in shown
    assert KNOWN not in shown
    assert "abcdef" not in shown


def test_the_rest_stays() -> None:
    text = "GET /sessions/ses_01k 200 in 3 ms; see https://example.org:8000/a@b"
    assert Redactor([KNOWN])(text) is text
    assert Redactor([])("a") == "a"


def test_people_may_write_about_the_shape_of_keys() -> None:
    text = "A key looks like clq_0123456789abcdef, and goes into Authorization: Bearer …"
    assert Redactor([KNOWN]).known(text) is text


def test_a_word_is_masked_nowhere_but_in_an_address() -> None:
    redactor = Redactor(["colloquy", "pass1"])
    assert redactor.known("colloquy has a pass1") == "colloquy has a pass1"
    assert (
        redactor("postgresql://colloquy:colloquy@db/colloquy") == f"postgresql://colloquy:{MASK}@db/colloquy"
    )


def test_json_is_masked_within_its_names_and_values_but_for_what_is_sealed() -> None:
    redactor = Redactor([KNOWN])
    clean = {"a": ["b", {"c": 1.5}], "d": None}
    assert redactor.within(clean) is clean
    value = {KNOWN: [f"x{KNOWN}", 1], "signature": KNOWN, "list": [{"deep": KNOWN}]}
    masked = {MASK: [f"x{MASK}", 1], "signature": MASK, "list": [{"deep": MASK}]}
    assert redactor.within(value) == masked
    assert redactor.within(value, {"signature"}) == {**masked, "signature": KNOWN}
    assert redactor.within_problem({"detail": "clq_0123456789abcdef"}) == {"detail": MASK}


def test_the_redactor_at_work_knows_the_callers_key_for_as_long() -> None:
    server = Redactor([KNOWN])
    assert redaction.at_work() is None
    with redaction.knowing(server.beside(KEY)):
        at_work = redaction.at_work()
        assert at_work
        assert at_work.known(f"{KEY} {KNOWN}") == f"{MASK} {MASK}"
    assert redaction.at_work() is None
    assert server.known(KEY) == KEY
