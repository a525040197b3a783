"""Random sessions: what a preflight plans is what is sent, and what it costs lies between what was said."""

from __future__ import annotations

import functools
import secrets
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from app.billing.costs import cost_nano_usd
from app.billing.prices import Prices, listed
from app.billing.usage import Usage
from app.claude.simulator import Simulator
from tests.faults.conftest import Found, Scale
from tests.support import Api, last_asked, plan_of

MODELS = (
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "claude-haiku-4-5",
    "claude-simulator-8k",
    "claude-haiku-5-5",
)
BUDGETS = (None, 1_500, 3_000, 6_000)
SYSTEMS = (None, "Be brief.", "You keep the books of a harbour, and answer as its keeper would. " * 40)
TURNS = (4, 12)
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
STORY = (
    "the harbour was full of ships from the north and nobody knew why, for the wind had turned 40 days ago; "
    "their masters asked for water, rope and bread, paid in silver and left before dawn."
)
EXPECTED_WITHIN, EXPECTED_SHARE = 0.05, 0.9


@dataclass(frozen=True)
class Sent:
    """What was said of a send beforehand, and what came of it."""

    turn: int
    is_steady: bool
    plan: dict[str, Any]
    body: dict[str, Any]
    answer: dict[str, Any]

    @property
    def used(self) -> Usage:
        usage = self.answer["usage"]
        return Usage(**{name: tokens for name, tokens in usage.items() if name != "prompt_tokens"})

    @property
    def prices(self) -> Prices:
        found = listed(self.plan["model"])
        assert found is not None
        return found

    @property
    def cost(self) -> int:
        return cost_nano_usd(self.prices, self.used)

    @property
    def off(self) -> float:
        """By what share the cost is more than was expected."""
        return self.cost / self.plan["cost"]["expected_nano_usd"] - 1

    @property
    def input_off(self) -> float:
        """The same of the prompt alone."""
        expected = {name: value for name, value in self.plan["context"]["cache"].items() if name != "ttl"}
        cost = cost_nano_usd(self.prices, replace(self.used, output_tokens=0))
        return cost / (cost_nano_usd(self.prices, Usage(**expected)) or 1) - 1

    @property
    def prompt_off(self) -> float:
        return self.used.prompt_tokens / self.plan["context"]["prompt_tokens"] - 1


@dataclass
class Life:
    """One session, and everything that is done to it. In some, all answers are of about one length.

    Its mark makes it unlike any other, which may have brought the same into the cache.
    """

    api: Api
    simulator: Simulator
    random: Random
    sent: list[Sent] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    session_id: str = ""
    ending: str = ""
    mark: str = field(default_factory=functools.partial(secrets.token_hex, 4))

    def live(self) -> None:
        self.ending = self.random.choice(("", "[[reply: words=30]]", "[[reply: words=90]]"))
        context = {"budget_tokens": self.random.choice(BUDGETS), "keep": self.random.choice((None, 0.3, 0.7))}
        self.session_id = self.api.session(
            model=self.random.choice(MODELS),
            system=self._system(),
            max_tokens=self.random.choice((300, 500)),
            context={**context, "recall_tokens": self.random.choice((None, 0, 300))},
        )
        for turn in range(self.random.randint(*TURNS)):
            self._send(turn)
            act = self.random.choice(
                (self._edit, self._regenerate, self._pin, self._settle, *[lambda: None] * 8)
            )
            act()

    def _system(self) -> str | None:
        system = self.random.choice(SYSTEMS)
        return system and f"{self.mark} {system}"

    def _send(self, turn: int) -> None:
        body = {"content": self._content()}
        planned = self.api.post(f"/sessions/{self.session_id}/preflight", json=body)
        body |= {"expect_plan": planned.json().get("plan")}
        answer = self.api.post(f"/sessions/{self.session_id}/messages", json=body)
        if planned.status_code != 200:
            assert planned.json()["code"] == answer.json()["code"] == "context_overflow", planned.text
            self.counts["refused by both"] += 1
            return
        plan = planned.json()
        assert answer.status_code == 201, answer.text
        self.sent.append(
            Sent(turn, bool(self.ending), plan, last_asked(self.simulator), answer.json()["message"])
        )

    def _edit(self) -> None:
        self._act("edit", "user", content=self._content())

    def _regenerate(self) -> None:
        self._act("regenerate", "assistant")

    def _act(self, name: str, role: str, **body: Any) -> None:
        one = self.random.choice([one for one in self._path() if one["role"] == role])
        assert self.api.post(f"/messages/{one['id']}/{name}", json=body).status_code in {201, 422}
        self.counts[name] += 1

    def _pin(self) -> None:
        one = self.random.choice(self._path())
        self.api.put(f"/sessions/{self.session_id}/pins/{one['id']}")
        self.counts["pin"] += 1

    def _settle(self) -> None:
        model = self.random.choice(MODELS)
        assert self.api.patch(f"/sessions/{self.session_id}", json={"model": model}).status_code == 200
        self.counts["another model"] += 1

    def _path(self) -> list[dict[str, Any]]:
        return self.api.path(self.session_id)

    def _content(self) -> list[dict[str, Any]]:
        words = self.random.choices(STORY.split(), k=self.random.choice((5, 40, 120, 250)))
        text = " ".join([self.ending, self.mark, *words])
        if self.random.random() >= 0.05:
            return [{"type": "text", "text": text}]
        self.counts["image"] += 1
        source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
        return [{"type": "image", "source": source}, {"type": "text", "text": text}]


def shares(values: Sequence[float]) -> str:
    """How values lie, as shares."""
    ordered = sorted(map(abs, values))
    at = {
        name: ordered[int(share * (len(ordered) - 1))]
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))
    }
    return ", ".join(f"{name} {value:.1%}" for name, value in at.items()) + f"; {near(values):.0%} within 5 %"


def near(values: Sequence[float]) -> float:
    """The share of those that are near enough."""
    return statistics.mean(abs(value) <= EXPECTED_WITHIN for value in values)


def test_what_is_planned_is_sent_and_costs_what_was_said(
    api: Api, simulator: Simulator, scale: Scale, found: Found
) -> None:
    sent, counts = list[Sent](), Counter[str]()
    for seed in range(scale.sessions_planned):
        life = Life(api, simulator, Random(seed))  # noqa: S311 - no secret
        life.live()
        sent, counts = sent + life.sent, counts + life.counts
        for one in life.sent:
            check(one, seed)
    among = ", ".join(f"{count} {name}" for name, count in counts.items())
    found(f"{scale.sessions_planned} sessions, {len(sent)} sends ({among}): every one as planned")
    later = [one for one in sent if one.turn >= 2 and one.cost]
    prompts, steady = [one.input_off for one in later], [one.off for one in later if one.is_steady]
    found(f"the prompt's cost from what was expected, from turn 3 on: {shares(prompts)}")
    found(f"the whole cost, where answers are of one length: {shares(steady)}")
    found(f"the whole cost, where they are not: {shares([one.off for one in later if not one.is_steady])}")
    found(f"the prompt's size, from turn 1 on: {shares([one.prompt_off for one in sent])}")
    assert min(near(prompts), near(steady)) >= EXPECTED_SHARE


def check(one: Sent, seed: int) -> None:
    """As planned to the byte, and at a cost between the least and the greatest."""
    where = f"seed {seed}, turn {one.turn}"
    assert plan_of(one.body) == one.plan["plan"], where
    assert one.answer["context"]["tokens"] == one.plan["context"]["tokens"], where
    least, greatest = (one.plan["cost"][f"{name}_nano_usd"] for name in ("least", "greatest"))
    assert least <= one.cost <= greatest, f"{where}: {least} {one.cost} {greatest} {one.plan} {one.used}"
