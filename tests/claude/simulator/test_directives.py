"""What a message may ask of the simulator."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.claude.simulator.directives import Bill, Directives, Fault, ToolWish, Wish, parse, without
from app.claude.simulator.errors import Refused


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[fault: status=529]]", Fault("status", status=529)),
        (
            "[[fault: status=529 times=2 retry_after=1]]",
            Fault("status", status=529, times=2, retry_after="1"),
        ),
        ("[[fault: cut after=5]]", Fault("cut", after=5)),
        ("[[fault:silence after=5 seconds=0.5]]", Fault("silence", after=5, seconds=0.5)),
        ("[[fault: no_stop]]", Fault("no_stop")),
        ("[[fault: error after=3 type=api_error]]", Fault("error", after=3, type="api_error")),
        ("[[fault: garbage after=2 times=1]]", Fault("garbage", after=2, times=1)),
    ],
)
def test_faults_are_read(text: str, fault: Fault) -> None:
    assert parse(f"Before {text} and after.").faults == (fault,)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("[[reply: words=200]]", Wish(words=200)),
        ("[[reply: seconds_per_event=0.2]]", Wish(seconds_per_event=0.2)),
        ("[[reply: words=5 seconds_per_event=0]]", Wish(words=5, seconds_per_event=0.0)),
        ("[[reply: text=a b = c, [d]]]", Wish(text="a b = c, [d]")),
        ("[[reply: thinking=one\ntwo]]", Wish(thinking="one\ntwo")),
        ("[[reply: stop_reason=refusal]]", Wish(stop_reason="refusal")),
        ("[[reply: tool=add]]", Wish(tools=(ToolWish("add", {}),))),
        ('[[reply: tool=add input={"a": 1}]]', Wish(tools=(ToolWish("add", {"a": 1}),))),
        ('[[reply: tool=add input={"a": [[1, 2]], "b": "x y"}]]', None),
    ],
)
def test_wishes_are_read(text: str, wish: Wish | None) -> None:
    nested = Wish(tools=(ToolWish("add", {"a": [[1, 2]], "b": "x y"}),))
    assert parse(text).wish == (wish or nested)


def test_several_directives_add_up() -> None:
    found = parse(
        "[[fault: cut after=1]] [[reply: words=3]] [[reply: tool=a]] [[reply: tool=b]] [[fault: no_stop]]"
    )
    assert [fault.kind for fault in found.faults] == ["cut", "no_stop"]
    assert found.wish == Wish(words=3, tools=(ToolWish("a", {}), ToolWish("b", {})))


@pytest.mark.parametrize(
    "text",
    [
        "[[fault: explode]]",
        "[[fault: ]]",
        "[[fault: cut after=soon]]",
        "[[fault: cut colour=red]]",
        "[[fault: error after=1 type=odd_error]]",
        "[[reply: words=many]]",
        "[[reply: nonsense]]",
        "[[reply: tool=a input={]]",
    ],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="does not understand"):
        parse(text)


@pytest.mark.parametrize("text", ["", "[[wiki link]]", "[fault: cut]", "[[fault cut]]"])
def test_other_text_asks_nothing(text: str) -> None:
    assert parse(text) == Directives()
    assert without(text) == text


def test_text_is_shown_without_directives() -> None:
    assert without("Hello [[reply: words=5]]") == "Hello"


@settings(deadline=None)
@given(st.text(alphabet="[]fault:reply cut={}\"'=1 "))
def test_no_text_is_more_than_refused(text: str) -> None:
    try:
        parse(text)
    except Refused as refused:
        assert refused.status == 400  # noqa: PT017


def test_a_bill_is_asked_for() -> None:
    wish = parse("[[reply: web_searches=2 speed=fast split=no]]").wish
    assert wish.bill_for({}) == Bill("fast", 2, has_split=False)
    assert parse("Hello").wish.bill_for({"speed": "standard"}) == Bill("standard")
    with pytest.raises(Refused):
        parse("[[reply: split=perhaps]]")
