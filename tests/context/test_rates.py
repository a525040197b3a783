"""Rates learn each tokenizer from what came out, and what is odd does not spoil them."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.claude.simulator.counting import TURN_TOKENS, units
from app.context import tokens
from app.context.rates import PRIOR, Rates

FRENCH = """\
Le conseil municipal s'est réuni hier soir pour examiner le budget de l'année prochaine. Les élèves ont \
préféré étudier la géographie plutôt que l'histoire. Où avez-vous trouvé cette vieille carte ? Il a \
fallu près de trois heures pour réparer la chaudière, et encore : elle fuit toujours. Nous étions déjà \
arrivés à la gare quand l'orage a éclaté. « Je ne crois pas qu'il vienne », répondit-elle en haussant \
les épaules. La bibliothèque est fermée le lundi, sauf pendant les vacances scolaires. Ce procédé permet \
de réduire considérablement la consommation d'énergie des bâtiments anciens. À l'époque, personne \
n'aurait imaginé qu'un tel projet puisse aboutir. Le fichier n'a pas pu être enregistré, car le disque \
est plein. Chaque été, des milliers de visiteurs découvrent les jardins du château. Il serait préférable \
d'attendre la réponse du médecin avant de prendre une décision. Le fleuve traverse la ville d'est en \
ouest. Tu peux me rappeler demain matin, vers dix heures ? Les résultats de l'enquête, publiés en mai, \
montrent une légère amélioration. On ne sait pas encore pourquoi le moteur s'est arrêté. Grâce à ce \
réglage, la fenêtre s'ouvre du côté gauche. Sa grand-mère préparait des crêpes au sarrasin et du cidre \
doux."""
CHINESE = """\
昨天晚上,市议会开会讨论了明年的预算。学生们更喜欢学习地理,而不是历史。你在哪里找到这张旧地图的?修理锅\
炉花了将近三个小时,可是它还在漏水。暴风雨来临的时候,我们已经到了火车站。“我想他不会来了。”她耸了耸肩\
说。除了学校放假期间,图书馆每逢星期一都不开门。这种方法可以大大减少老房子的能源消耗。当时谁也没有想到,\
这样的计划竟然能够成功。磁盘已满,文件无法保存。每年夏天都有成千上万的游客来参观城堡的花园。最好等医生答\
复以后再作决定。这条河由东向西穿过城市。你明天上午十点左右能再给我打个电话吗?五月公布的调查结果显示,情\
况略有改善。人们还不知道发动机为什么停了。经过这样的调整,窗户就可以从左边打开。奶奶常做荞麦薄饼,还配上\
甜苹果酒;孩子们围着桌子,一边吃一边听她讲从前的故事。"""
WIDE = str.maketrans(",?;", "\uff0c\uff1f\uff1b")
Rule = Callable[[str], float]


class Turn(NamedTuple):
    """What is new in a prompt, all of it, and what was expected of the new."""

    number: int
    new_tokens: int
    prompt_tokens: int
    estimate: float
    greatest: int


def _word_pieces(text: str) -> float:
    words = re.findall(r"[^\W\d_\u3000-\u9fff]+|\d+", text)
    signs = len(re.findall(r"[^\w\s\u3000-\u9fff]|_|\n[ \t]*", text))
    chinese = len(re.findall(r"[\u3000-\u9fff]", text))
    return sum(math.ceil(len(one) / 4) for one in words) + signs + 1.6 * chinese


RULES: dict[str, tuple[Rule, int]] = {
    "the simulator's": (units, TURN_TOKENS),
    "characters": (lambda text: len(text) / 3.2, 0),
    "word pieces": (_word_pieces, 3),
}


def _shuffled(text: str, ends: str) -> str:
    chance, sentences = random.Random(3), re.findall(rf"[^{ends}]+[{ends}] ?”?", text)  # noqa: S311
    return "\n\n".join("".join(chance.sample(sentences, 9)) for _ in range(60))


def _records() -> str:
    chance, names = random.Random(4), re.findall(r"\w{4,}", topics["types"])  # noqa: S311
    each = [
        {
            "id": at,
            "title": " ".join(chance.choices(names, k=chance.randrange(1, 12))),
            "author": {"name": chance.choice(names), "is_known": chance.random() < 0.5},
            "tags": chance.choices(names, k=chance.randrange(5)),
            "rate": round(chance.random(), chance.randrange(9)),
        }
        for at in range(300)
    ]
    return json.dumps(each) + json.dumps(each, indent=2)


TEXTS = {
    "English": "\n".join(topics[name] for name in sorted(topics))[:300_000],
    "French": _shuffled(FRENCH, ".?"),
    "Chinese": _shuffled(CHINESE.translate(WIDE), "。\uff1f"),
    "code": "".join(
        (Path(os.__file__).parent / f"{name}.py").read_text("utf-8")
        for name in ("argparse", "ast", "mailbox", "tarfile")
    ),
    "JSON": _records(),
}


def _pieces(kind: str, seed: str) -> Iterator[str]:
    """A message of 20 to 8,000 characters, an answer of 50 to 3,000, and so on."""
    chance, text = random.Random(seed), TEXTS[kind]  # noqa: S311
    for least, most in itertools.cycle([(20, 8_000), (50, 3_000)]):
        size = round(math.exp(chance.uniform(math.log(least), math.log(most))))
        start = chance.randrange(len(text) - size)
        yield text[start : start + size]


def _conversation(kind: str, rule: Rule, around: int, seed: str) -> Iterator[Turn]:
    rates, past, pieces = PRIOR, 0, _pieces(kind, seed)
    for turn in range(12):
        message, answer = next(pieces), next(pieces)
        new = round(rule(message)) + around * (2 if turn else 1)
        found = tokens.features_of_content([{"type": "text", "text": message}])
        if turn:
            found = tokens.added(found, tokens.features_of_content([{"type": "text", "text": ""}]))
        yield Turn(turn, new, past + new, rates.estimate(found), rates.greatest(found))
        answered = round(rule(answer))
        rates = rates.learned(found, new).learned(tokens.features_of_text(answer), answered)
        past += new + answered


@cache
def _turns(kind: str, rule: str) -> list[Turn]:
    """Those of forty conversations."""
    return [turn for seed in range(40) for turn in _conversation(kind, *RULES[rule], seed=f"{kind} {seed}")]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", TEXTS)
def test_the_whole_prompt_is_known_within_3_5_percent_from_the_third_turn_on(kind: str, rule: str) -> None:
    late = [turn for turn in _turns(kind, rule) if turn.number >= 2]
    errors = sorted(abs(turn.estimate - turn.new_tokens) / turn.prompt_tokens for turn in late)
    assert errors[math.ceil(0.99 * len(errors)) - 1] <= 0.035


def test_the_greatest_is_exceeded_hardly_ever() -> None:
    turns = [turn for kind in TEXTS for rule in RULES for turn in _turns(kind, rule)]
    assert sum(turn.new_tokens > turn.greatest for turn in turns) <= 0.0005 * len(turns)


TEXT = tokens.features_of_text(TEXTS["English"][:4_000])


def _taught(rates: Rates, factor: float, texts: int) -> Rates:
    pieces = _pieces("English", "taught")
    for text in itertools.islice(pieces, texts):
        rates = rates.learned(tokens.features_of_text(text), round(units(text) * factor))
    return rates


def test_what_was_learned_is_surer() -> None:
    learned = _taught(PRIOR, 1.0, 6)
    assert PRIOR.greatest(TEXT) > 1.6 * PRIOR.estimate(TEXT)
    assert learned.greatest(TEXT) < 1.3 * learned.estimate(TEXT)


@pytest.mark.parametrize("factor", [0.0, 0.2, 5.0, 1_000.0])
def test_one_odd_text_changes_little(factor: float) -> None:
    learned = _taught(PRIOR, 1.0, 6)
    odd = learned.learned(TEXT, round(learned.estimate(TEXT) * factor))
    assert odd.estimate(TEXT) == pytest.approx(learned.estimate(TEXT), rel=0.03)


def test_a_first_text_that_is_odd_is_forgotten() -> None:
    odd = PRIOR.learned(TEXT, round(PRIOR.estimate(TEXT) * 5))
    assert _taught(odd, 1.0, 6).estimate(TEXT) == pytest.approx(
        _taught(PRIOR, 1.0, 6).estimate(TEXT), rel=0.03
    )


def test_a_tokenizer_that_changes_is_learned_anew() -> None:
    learned = _taught(PRIOR, 1.0, 20)
    assert _taught(learned, 1.3, 10).estimate(TEXT) == pytest.approx(1.3 * learned.estimate(TEXT), rel=0.05)


def test_another_model_scales_the_rates_and_is_less_sure() -> None:
    learned = _taught(PRIOR, 1.0, 6)
    older = learned.rescaled(1 / 1.3)
    assert older.estimate(TEXT) == pytest.approx(learned.estimate(TEXT) / 1.3, rel=0.01)
    assert older.greatest(TEXT) / older.estimate(TEXT) > learned.greatest(TEXT) / learned.estimate(TEXT)
    assert learned.rescaled(1.0) == learned


counts = st.tuples(*[st.integers(0, 50_000)] * len(tokens.NOTHING))
lessons = st.lists(st.tuples(counts, st.integers(0, 10**6)), max_size=5)


@settings(max_examples=50, deadline=None)
@given(lessons, counts, st.floats(0.2, 5.0))
def test_whatever_was_learned_is_sound_and_reads_back_as_it_was(
    lessons: list[tuple[tokens.Features, int]], features: tokens.Features, factor: float
) -> None:
    rates = PRIOR
    for each, truth in lessons:
        rates = rates.learned(each, truth)
    for made in (rates, rates.rescaled(factor)):
        stored = json.dumps(made.as_json())
        assert len(stored) <= 400
        assert Rates.from_json(json.loads(stored)) == made
        assert 0 <= made.estimate(features) <= made.greatest(features)


def test_of_another_form_is_the_prior() -> None:
    assert Rates.from_json([]) == PRIOR
    assert Rates.from_json([1.0, 2.0]) == PRIOR
