"""Histories as they come about: what people, Claude, crashes and imports do to a tree of messages, at random.

Pure and fast: a tree of values, the same functions as the server's on it, and Claude's answers folded from
the events that came.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from app.billing.prices import listed
from app.claude import rules
from app.claude.rules import models
from app.context import Ask, Entry, Prompt, Summary, Window, assemble, tokens, without_thinking
from app.context.recall import shortened, words_of
from app.context.values import Windows
from app.errors import CallerError, ContextOverflow
from app.services import drafts, pasts
from app.services.models import window_by
from app.services.pasts import Known
from app.turns import reply
from tests.faults import truth
from tests.faults.answers import answer_to, events_of
from tests.faults.contents import Block, Said, image, odd_messages, sent_content, some_text
from tests.faults.trees import Node, Tree

MODELS = (
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "claude-opus-4-6",
    "claude-haiku-4-5",
    "claude-simulator-8k",
    "claude-simulator-8k",
)
TOOLS = tuple({"name": name, "input_schema": {"type": "object"}} for name in ("look", "write"))
BUDGETS = (0, 0, 256, 600, 900, 2_000, 5_000, 8_000)
SILENCES_SECONDS = (5, 40, 250, 400, 3_000, 4_000, 90_000)
MOST_SHOWN_CHARACTERS = 6_000
RARE = ("shortened", "shortened and still too long", "beyond the greatest expected")
ACTS = (
    ("send", 12),
    ("edit", 2),
    ("regenerate", 2),
    ("go_on", 3),
    ("delete", 2),
    ("settings", 1),
    ("import_again", 2),
    ("hand_in", 1),
    ("use_tools", 3),
    ("move", 2),
    ("pin", 2),
    ("summarise", 1),
)


def _limits(model: str) -> Window:
    known = models.find(model)
    assert known is not None
    return window_by(
        model, {"max_input_tokens": known.window_tokens, "max_tokens": known.output_tokens}, listed(model)
    )


WINDOWS = {model: _limits(model) for model in MODELS}


@dataclass
class History:
    """One session's tree, its settings, and what Claude would have refused so far.

    `exceeded` are the prompts that Claude counts more tokens of than they may have.
    """

    random: Random
    tree: Tree = field(default_factory=Tree)
    ask: Ask = field(default_factory=lambda: Ask(MODELS[0], 1_000))
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    refused: list[str] = field(default_factory=list)
    exceeded: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    acts: list[str] = field(default_factory=list)
    _ids: int = 0

    def live(self, acts: int) -> None:
        """Begin new or with an import, and go through so many acts."""
        if self.random.random() < 0.5:
            self._settings()
        if self.random.random() < 0.5:
            self._take([*odd_messages(self.random)])
        names, weights = zip(*ACTS, strict=True)
        for name in self.random.choices(names, weights, k=acts):
            self.acts.append(name)
            self.at += timedelta(seconds=self.random.choice(SILENCES_SECONDS))
            getattr(self, f"_{name}")()

    # What people do

    def _send(self) -> None:
        parent = self._any() if self.random.random() < 0.15 else self.tree.head
        self._say(parent, sent_content(self.random))

    def _edit(self) -> None:
        if node := self._pick(lambda one: one.role == "user"):
            self._say(node.parent, sent_content(self.random))

    def _regenerate(self) -> None:
        node = self._pick(lambda _: True)
        if node and node.role == "assistant":
            node = self.tree.nodes.get(node.parent or "")
        if node:
            self._answer_after(node)

    def _go_on(self) -> None:
        if node := self._pick(lambda one: one.role == "assistant" and one.is_broken):
            self._answer_after(node)

    def _delete(self) -> None:
        if node := self._pick(lambda _: self.random.random() < 0.5):
            self.tree.cut_off(node)

    def _move(self) -> None:
        self.tree.head = self._any()

    def _pin(self) -> None:
        if node := self._pick(lambda _: True):
            self.tree.change(node.id, is_pinned=not node.is_pinned)

    def _summarise(self) -> None:
        """In the background, or as its owner asks for it: then the next prompt takes it."""
        path = self.tree.path(self.tree.head)
        if len(path) > 1:
            last, text = self.random.choice(path[:-1]), some_text(self.random)
            is_due = self.random.random() < 0.4
            summary = Summary(self._id(), text, last.depth, tokens.of_text(text), is_due)
            self.tree.summaries.append((last.id, summary))

    def _settings(self) -> None:
        self.ask = Ask(
            self.random.choice(MODELS),
            self.random.choice((200, 1_000, 2_000)),
            self.random.choice((None, "", "Be brief.")),
            self.random.choice(BUDGETS),
            self.random.choice(((), (), TOOLS)),
            self.random.choice((0.3, 0.5, 0.5, 0.8)),
            self.random.choice((0, 200, 1_000, 4_000)),
        )

    def _import_again(self) -> None:
        """The path comes in anew as a document: as it is, with a hole, with odd ends."""
        path = self._document()
        if path and self.random.random() < 0.3:
            del path[self.random.randrange(len(path))]
        self._begin_anew([*path, *(odd_messages(self.random) if self.random.random() < 0.5 else ())])

    def _hand_in(self) -> None:
        """The path comes in anew up to an answer that calls tools, with their results, and is answered."""
        if asking := self._pick(_calls_tools):
            self.tree.head = asking.id
            self._begin_anew([*self._document(), ("user", self._results(asking), None)])
            self._answer_after(self.tree.nodes[str(self.tree.head)])

    def _use_tools(self) -> None:
        """An answer's calls get their results, and it goes on."""
        asking = self.tree.nodes.get(self.tree.head or "")
        if asking and not _calls_tools(asking):
            asking = self._pick(_calls_tools)
        if asking:
            self._say(asking.id, self._results(asking))

    def _results(self, asking: Node) -> list[Block]:
        found = ("It is 7.", some_text(self.random), [image(self.random)])
        return [
            {"type": "tool_result", "tool_use_id": one["id"], "content": self.random.choice(found)}
            for one in asking.content
            if one["type"] == "tool_use"
        ]

    def _document(self) -> list[Said]:
        return [(one.role, list(one.content), one.bound_to) for one in self.tree.path(self.tree.head)]

    def _begin_anew(self, messages: Sequence[Said]) -> None:
        self.tree = Tree()
        self._take(messages)

    # How a turn goes

    def _say(self, parent: str | None, content: list[Block]) -> None:
        known = self._known(parent)
        newest = Entry(self._id(), "user", content, depth=self.tree.depth_after(parent))
        prompt = self._sent(known, [newest], refusable=CallerError if parent else ContextOverflow)
        if prompt:
            sizes = dict(prompt.expected.fresh)
            self._put(newest.id, parent, "user", content, estimated_tokens=sizes.get(newest.id))
            self.tree.change(newest.id, tokens_model=prompt.model)
            self._answered(newest.id, prompt)

    def _answer_after(self, parent: Node) -> None:
        """As drafts do for regenerate and continue."""
        if all(one.role != "user" for one in self.tree.path(parent.id)):
            return
        newest = []
        if parent.role == "assistant" and any(drafts._is_sent(dict(one)) for one in parent.content):
            go_on: list[Block] = [{"type": "text", "text": drafts.GO_ON}]
            newest.append(Entry("", "user", go_on, is_instruction=True, depth=parent.depth + 1))
        if prompt := self._sent(self._known(parent.id), newest, refusable=CallerError):
            self._answered(parent.id, prompt)

    def _known(self, parent: str | None) -> Known:
        return self.tree.known(parent, WINDOWS[self.ask.model], self.ask, self.at)

    def _sent(self, known: Known, newest: list[Entry], refusable: type[CallerError]) -> Prompt | None:
        """The prompt that is answered, looked at by the validator; None where it was refused in words.

        What a person has just written can only be too long; what was imported may hold nothing to answer.
        Where nobody can say what a file's tokens are, Claude may find it too long: then it is shortened once.
        """
        has_count = self.random.random() < 0.7
        past = replace(
            pasts.past_of(known, newest, None),
            recall=self._recall_on(known.head_id),
            count=self._count if has_count else lambda _: None,
        )
        try:
            prompt = assemble(past, self.ask, known.limits)
            has_files = any(tokens.has_files(one.content) for one in past.path)
            is_sure = has_count or not has_files
            self._look_at(prompt, is_sure=is_sure)
            counted = truth.counted(prompt.as_request())
            if counted > known.limits.window_tokens and not is_sure:
                prompt = self._shortened(known, newest, prompt, counted)
        except refusable:
            self.counts["refused in words"] += 1
            return None
        return prompt

    def _shortened(self, known: Known, newest: list[Entry], prompt: Prompt, counted: int) -> Prompt:
        refusal = ContextOverflow("prompt is too long")
        refusal.counted_tokens, refusal.most_tokens = counted, known.limits.window_tokens
        shorter = pasts.shortened(known, newest, self.ask, prompt, refusal)
        is_enough = truth.counted(shorter.as_request()) <= known.limits.window_tokens
        self.counts["shortened" if is_enough else "shortened and still too long"] += 1
        self._look_at(shorter, is_sure=False)
        return shorter

    def _recall_on(self, head: str | None) -> Callable[[str, int, int], Windows]:
        """Finds anything that was said before."""

        def recall(text: str, before_depth: int, _: int) -> Windows:
            limits, path = WINDOWS[self.ask.model], self.tree.path(head)[:before_depth]
            entries = [shortened(pasts.entry_of(one, limits), words_of(text)) for one in path]
            middles = self.random.sample(range(len(entries)), k=min(len(entries), 5))
            return [entries[max(0, at - 1) : at + 2] for at in middles]

        return recall

    def _count(self, request: dict[str, Any]) -> int:
        self.counts["counted by Claude"] += 1
        wrong = [str(one) for one in rules.counting_violations(request)]
        if wrong:
            self.refused.append(f"{wrong} when counting, after {self.acts}")
        return truth.counted(request)

    def _look_at(self, prompt: Prompt, *, is_sure: bool) -> None:
        for one in (prompt, *([without_thinking(prompt)] if prompt.thinking_ids else ())):
            request = one.as_request()
            if wrong := truth.refusals(request):
                shown = json.dumps(request, ensure_ascii=False)[:MOST_SHOWN_CHARACTERS]
                self.refused.append(f"{wrong}\nafter {self.acts}\n{shown}")
            elif is_sure:
                self._weigh(one, truth.counted(request))
        self._note(prompt)

    def _weigh(self, prompt: Prompt, counted: int) -> None:
        """Claude's count may exceed neither the model's window nor the session's budget."""
        window, budget = WINDOWS[prompt.model].window_tokens, self.ask.budget_tokens
        self.counts["beyond the greatest expected"] += counted > prompt.plan.greatest_tokens
        if counted + prompt.max_tokens > window or (budget and counted > budget):
            self.exceeded.append(
                f"{counted} tokens and {prompt.max_tokens} for the answer, where the window is {window} "
                f"and the budget {budget}, after {self.acts}\n{prompt.plan}"
            )

    def _note(self, prompt: Prompt) -> None:
        """What was among the requests, so that nobody need guess what they show."""
        kinds = {block["type"] for message in prompt.messages for block in message["content"]}
        plan = prompt.plan
        self.counts["requests"] += 1
        self.counts["with thinking"] += bool(prompt.thinking_ids)
        self.counts["with tool calls"] += "tool_use" in kinds
        self.counts["with the oldest turns left out"] += plan.first_depth > 0
        self.counts["with recalled messages"] += bool(plan.sources.recalled)
        self.counts["with pinned messages"] += bool(plan.pinned)
        self.counts["with a summary"] += plan.summary is not None

    def _answered(self, parent: str, prompt: Prompt) -> None:
        """An answer to the end, stopped at any event, or none: the fold is the server's."""
        if prompt.thinking_ids and self.random.random() < 0.05:
            prompt = self._repaired(prompt)
        said = answer_to(prompt, self.random, self._id)
        events = list(events_of(self.random, said, *self._usage(prompt, said)))
        if self.random.random() < 0.4:
            events = events[: self.random.randrange(len(events) + 1)]
        came = reply.read(events)
        is_broken = not came.is_complete or self.random.random() < 0.2
        id_ = self._id()
        self._put(id_, parent, "assistant", came.content, is_broken=is_broken)
        self.tree.change(
            id_,
            model=came.model or prompt.model,
            bound_to=prompt.bound_to,
            context_state=prompt.state.as_json(),
        )
        self.tree.settle(id_, prompt, came)

    def _usage(self, prompt: Prompt, said: list[Block]) -> tuple[Block, Block]:
        """What Claude says of its own count, at the start of an answer and at its end."""
        request = prompt.as_request()
        counted, cached = truth.counted(request), truth.cached_tokens(request)
        model = truth.model_of(request)
        thought = [one for one in said if "thinking" in one["type"]]
        end: Block = {"output_tokens": truth.output_tokens(said, model)}
        if self.random.random() < 0.7:
            end["output_tokens_details"] = {"thinking_tokens": truth.output_tokens(thought, model)}
        return {"input_tokens": counted - cached, "cache_read_input_tokens": cached, "output_tokens": 1}, end

    def _repaired(self, prompt: Prompt) -> Prompt:
        """Claude refused its thinking: it is asked again without, and what was refused fits no more."""
        for id_ in prompt.thinking_ids:
            self.tree.change(id_, bound_to=None)
        return without_thinking(prompt)

    # The tree

    def _take(self, messages: Sequence[Said]) -> None:
        for role, blocks, bound_to in messages:
            size = tokens.of_content(blocks)
            is_pinned = self.random.random() < 0.05
            id_ = self._id()
            self._put(id_, self.tree.head, role, blocks, is_broken=self.random.random() < 0.3)
            self.tree.change(id_, bound_to=bound_to, estimated_tokens=size, is_pinned=is_pinned)

    def _put(self, id_: str, parent: str | None, role: str, content: Sequence[Block], **columns: Any) -> None:
        depth = self.tree.depth_after(parent)
        self.tree.put(Node(id_, parent, role, content, depth, self.at, **columns))

    def _id(self) -> str:
        self._ids += 1
        return f"m{self._ids}"

    def _any(self) -> str | None:
        return self.random.choice(list(self.tree.nodes)) if self.tree.nodes else None

    def _pick(self, fits: Callable[[Node], bool]) -> Node | None:
        nodes = [one for one in self.tree.nodes.values() if fits(one)]
        return self.random.choice(nodes) if nodes else None


def _calls_tools(node: Node) -> bool:
    return any(block["type"] == "tool_use" for block in node.content)
