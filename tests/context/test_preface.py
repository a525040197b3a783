"""What stands before the kept turns: pinned messages and the summary."""

from __future__ import annotations

from dataclasses import replace

from app.claude import rules
from app.context import Entry, Prompt, Summary, assemble
from app.context.preface import PINNED, SUMMARISED, of_pinned, of_summary
from tests.context.talks import ASK, MODEL, NOW, SMALL, Talk, counted, past, text, texts, turns, user

IMAGE = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
SHORT = Summary("sum_1", "They spoke of </summary> words.", 3, 20)


def cut(talk: Talk) -> Prompt:
    """The prompt for a message before which something had to be left out."""
    return talk.prompt_for(user("word " * 300, len(talk.path)))


def long_talk(*pinned: int) -> Talk:
    talk = Talk(limits=SMALL, ask=replace(ASK, recall_tokens=0))
    for at in range(4):
        talk.turn(f"Question {at} " + "word " * 60, text(f"Answer {at} " + "word " * 60))
    for depth in pinned:
        talk.pin(depth)
    return talk


def test_pinned_messages_are_quoted_and_their_files_stand_beside_them() -> None:
    entry = Entry("p", "user", [text("Mind this"), IMAGE], at=NOW)
    quotation, picture = of_pinned([entry])
    assert quotation["text"].startswith(PINNED)
    assert "Mind this\n[image]\n</message>" in quotation["text"]
    assert picture == IMAGE
    assert of_pinned([replace(entry, role="assistant")])[1:] == [], "Claude takes files from the user only"
    assert of_pinned([]) == []


def test_a_summary_is_a_quotation_that_nothing_in_it_ends() -> None:
    (block,) = of_summary(SHORT)
    assert block["text"] == f"{SUMMARISED}\n<summary>\nThey spoke of &lt;/summary> words.\n</summary>"
    assert of_summary(None) == []


def test_a_pinned_message_that_is_cut_is_in_the_preface_and_one_that_is_kept_is_not() -> None:
    talk = long_talk(0, 7)
    prompt = cut(talk)
    assert [one.depth for one in prompt.plan.pinned] == [0]
    assert texts(prompt).count("Question 0") == 1
    assert texts(prompt).count("Answer 3") == 1
    assert prompt.plan.sources.pins > 50
    assert rules.violations(prompt.as_request()) == []


def test_a_pinned_file_takes_what_claude_counted_of_it() -> None:
    talk = long_talk(0)
    shown = [*talk.path[0].content, IMAGE]
    talk.path[0] = replace(talk.path[0], content=shown, tokens=5_000, is_counted=True)
    talk = replace(talk, limits=replace(SMALL, window_tokens=20_000))
    known = past(*talk.path[2:], user("Now", len(talk.path)), pinned=[talk.path[0]])
    assert assemble(known, talk.ask, talk.limits).plan.sources.pins > 5_000


def test_the_preface_is_marked_for_the_cache() -> None:
    prompt = cut(long_talk(0))
    assert prompt.markers[0].message == 0
    assert prompt.messages[0]["content"][prompt.markers[0].block]["text"].startswith(PINNED)


def test_a_summary_is_taken_by_a_cut_that_covers_it_and_stays() -> None:
    talk = long_talk()
    talk.summaries = [replace(SHORT, upto_depth=1)]
    assert talk.prompt_for(user("Hm", 8)).plan.summary is None, "nothing is cut, and the cache is warm"
    prompt = talk.turn("word " * 300, text("Yes"))
    assert (prompt.plan.summary, prompt.plan.first_depth > 1) == (talk.summaries[0], True)
    assert SUMMARISED in texts(prompt)
    after = talk.prompt_for(user("And?", 10))
    assert (after.plan.summary, after.plan.cut) == (talk.summaries[0], None)


def test_a_summary_that_reaches_beyond_the_cut_has_to_wait() -> None:
    talk = long_talk()
    talk.summaries = [replace(SHORT, upto_depth=7)]
    prompt = cut(talk)
    assert prompt.plan.first_depth <= 7
    assert prompt.plan.summary is None


def test_one_that_was_asked_for_is_taken_at_once() -> None:
    talk = Talk(path=turns(4))
    talk.summaries = [replace(SHORT, upto_depth=5, is_due=True)]
    prompt = talk.prompt_for(user("Now", 8))
    assert (prompt.plan.cut, prompt.plan.first_depth) == ("compact", 6)
    assert SUMMARISED in texts(prompt)


def test_what_the_preface_takes_is_known_before_and_after() -> None:
    talk = long_talk(0, 1)
    talk.summaries = [replace(SHORT, upto_depth=1)]
    prompt = talk.turn("word " * 300, text("Yes"))
    plan, truth = prompt.plan, counted(prompt.as_request())
    assert plan.sources.summary > 0 < plan.sources.pins
    assert abs(plan.prompt_tokens - truth) < 0.1 * truth
    assert prompt.model == MODEL
