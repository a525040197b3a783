"""Histories as they come about: what people, Claude, crashes and imports do to a tree of messages, at random.

Pure and fast: a tree of values, the same functions as the server's on it, and Claude's answers folded from
the events that came.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from marshmallow import ValidationError

from app.claude import rules
from app.claude.events import Event
from app.claude.rules import models
from app.claude.simulator import signing
from app.claude.simulator.errors import Refused
from app.claude.simulator.signatures import prefix_digest
from app.context import Ask, Entry, Prompt, Window, assemble, without_thinking
from app.errors import CallerError, ContextOverflow
from app.schemas import content
from app.services import drafts
from app.turns import reply

Block = dict[str, Any]
Said = tuple[str, list[Block], str | None]  # a message of a document: role, content, bound_to

IDS = ("t1", "t2", "t3", "t4")
PIXEL = content.PIXEL
MODELS = (
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "claude-opus-4-6",
    "claude-haiku-4-5",
    "claude-simulator-8k",
)
TOOLS = tuple({"name": name, "input_schema": {"type": "object"}} for name in ("look", "write"))
MARKERS = (
    {"type": "ephemeral"},
    {"type": "ephemeral", "ttl": "1h"},
    {"type": "ephemeral", "ttl": "5m"},
    None,
)
SERVER_TOOLS = ("web_search", "code_execution")
MOST_SHOWN_CHARACTERS = 6_000
LONG = "some words that fill the window, " * 60
ACTS = (
    ("send", 10),
    ("edit", 2),
    ("regenerate", 2),
    ("go_on", 3),
    ("delete", 2),
    ("settings", 1),
    ("import_again", 2),
    ("hand_in", 2),
    ("move", 2),
)


@dataclass(frozen=True)
class Node:
    """A message of a tree. `is_broken` where the answer may be continued."""

    id: str
    parent: str | None
    role: str
    content: Sequence[Block]
    model: str | None = None
    bound_to: str | None = None
    is_broken: bool = False


@dataclass
class History:
    """One session's tree, its settings, and what Claude would have refused so far."""

    random: Random
    nodes: dict[str, Node] = field(default_factory=dict)
    head: str | None = None
    ask: Ask = field(default_factory=lambda: Ask(MODELS[0], 1_000))
    refused: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    acts: list[str] = field(default_factory=list)
    _ids: int = 0

    def live(self, acts: int) -> None:
        """Begin new or with an import, and go through so many acts."""
        if self.random.random() < 0.6:
            self._take([*odd_messages(self.random)])
        names, weights = zip(*ACTS, strict=True)
        for name in self.random.choices(names, weights, k=acts):
            self.acts.append(name)
            getattr(self, f"_{name}")()

    # What people do

    def _send(self) -> None:
        parent = self._any() if self.random.random() < 0.15 else self.head
        self._say(parent)

    def _edit(self) -> None:
        if node := self._pick(lambda one: one.role == "user"):
            self._say(node.parent)

    def _regenerate(self) -> None:
        node = self._pick(lambda _: True)
        if node and node.role == "assistant":
            node = self.nodes.get(node.parent or "")
        if node:
            self._answer_after(node)

    def _go_on(self) -> None:
        if node := self._pick(lambda one: one.role == "assistant" and one.is_broken):
            self._answer_after(node)

    def _delete(self) -> None:
        if node := self._pick(lambda _: self.random.random() < 0.5):
            gone = {node.id}
            for one in self.nodes.values():
                if one.parent in gone:
                    gone.add(one.id)
            self.nodes = {id_: one for id_, one in self.nodes.items() if id_ not in gone}
            self.head = node.parent if self.head in gone else self.head

    def _move(self) -> None:
        self.head = self._any()

    def _settings(self) -> None:
        self.ask = Ask(
            self.random.choice(MODELS),
            self.random.choice((200, 1_000, 2_000)),
            self.random.choice((None, "", "Be brief.")),
            self.random.choice((0, 0, 900, 5_000)),
            self.random.choice(((), (), TOOLS)),
        )

    def _import_again(self) -> None:
        """The path comes in anew as a document: as it is, with a hole, with odd ends."""
        path = self._document()
        if path and self.random.random() < 0.3:
            del path[self.random.randrange(len(path))]
        self._begin_anew([*path, *(odd_messages(self.random) if self.random.random() < 0.5 else ())])

    def _hand_in(self) -> None:
        """The path comes in anew up to an answer that calls tools, with their results, and is answered."""
        asking = self._pick(lambda one: any(block["type"] == "tool_use" for block in one.content))
        if asking:
            self.head = asking.id
            uses = [one["id"] for one in asking.content if one["type"] == "tool_use"]
            results = [{"type": "tool_result", "tool_use_id": one, "content": "It is 7."} for one in uses]
            self._begin_anew([*self._document(), ("user", results, None)])
            self._answer_after(self.nodes[str(self.head)])

    def _document(self) -> list[Said]:
        return [(one.role, list(one.content), one.bound_to) for one in self._path(self.head)]

    def _begin_anew(self, messages: Sequence[Said]) -> None:
        self.nodes, self.head = {}, None
        self._take(messages)

    # How a turn goes

    def _say(self, parent: str | None) -> None:
        node = Node(self._id(), parent, "user", sent_content(self.random))
        entries = [*self._entries(parent), Entry(node.id, "user", node.content)]
        prompt = self._assembled(entries, refusable=ContextOverflow)
        if prompt:
            self._put(node)
            self._answered(node.id, prompt)

    def _answer_after(self, parent: Node) -> None:
        """As drafts do for regenerate and continue."""
        path = self._path(parent.id)
        if all(one.role != "user" for one in path):
            return
        entries = [_entry(one) for one in path]
        if parent.role == "assistant" and any(drafts._is_sent(dict(one)) for one in parent.content):
            entries.append(Entry("", "user", [{"type": "text", "text": drafts.GO_ON}]))
        prompt = self._assembled(entries, refusable=CallerError)
        if prompt:
            self._answered(parent.id, prompt)

    def _assembled(self, entries: list[Entry], refusable: type[CallerError]) -> Prompt | None:
        """The prompt, looked at by the validator; None where it was refused in words.

        What a person has just written can only be too long; what was imported may hold nothing to answer.
        """
        known = models.find(self.ask.model)
        assert known is not None
        try:
            prompt = assemble(entries, self.ask, Window(known.id, known.window_tokens, known.output_tokens))
        except refusable:
            self.counts["refused in words"] += 1
            return None
        self._look_at(prompt, known)
        if prompt.thinking_ids:
            self._look_at(without_thinking(prompt), known)
        return prompt

    def _look_at(self, prompt: Prompt, model: models.Model) -> None:
        request = prompt.as_request()
        self._count(prompt)
        found = [str(one) for one in rules.violations(request)]
        if not found:
            try:
                signing.verify(request, model)
            except Refused as refused:
                found = [f"signature: {refused.message}"]
        if found:
            shown = json.dumps(request, ensure_ascii=False)[:MOST_SHOWN_CHARACTERS]
            self.refused.append(f"{found}\nafter {self.acts}\n{shown}")

    def _count(self, prompt: Prompt) -> None:
        """What was among the requests, so that nobody need guess what they show."""
        kinds = {block["type"] for message in prompt.messages for block in message["content"]}
        self.counts["requests"] += 1
        self.counts["with thinking"] += bool(prompt.thinking_ids)
        self.counts["with tool calls"] += "tool_use" in kinds
        self.counts["with the oldest turns left out"] += bool(prompt.plan.left_out_ids)

    def _answered(self, parent: str, prompt: Prompt) -> None:
        """An answer to the end, stopped at any event, or none: the fold is the server's."""
        if prompt.thinking_ids and self.random.random() < 0.05:
            prompt = self._repaired(prompt)
        events = list(events_of(self.random, self._answer(prompt)))
        if self.random.random() < 0.4:
            events = events[: self.random.randrange(len(events) + 1)]
        came = reply.read(events)
        is_broken = not came.is_complete or self.random.random() < 0.2
        model = came.model or prompt.model
        answer = Node(self._id(), parent, "assistant", came.content, model, prompt.bound_to, is_broken)
        self._put(answer)

    def _repaired(self, prompt: Prompt) -> Prompt:
        """Claude refused its thinking: it is asked again without, and what was refused fits no more."""
        for id_ in prompt.thinking_ids:
            self.nodes[id_] = replace(self.nodes[id_], bound_to=None)
        return without_thinking(prompt)

    def _answer(self, prompt: Prompt) -> list[Block]:
        """What Claude says; its thinking is signed over all that stands before it."""
        made: list[Block] = []
        for _ in range(self.random.choice((0, 1, 2, 2, 3, 4))):
            kind = self.random.choice(
                ("text", "text", "thinking", "redacted", "tool", "server_tool", "empty", "new")
            )
            made += self._said(kind, prompt, made)
        return made

    def _said(self, kind: str, prompt: Prompt, before: list[Block]) -> list[Block]:
        use_id = f"toolu_{self._id()}" if self.random.random() < 0.8 else self.random.choice(IDS)
        match kind:
            case "text":
                cited: Block = {"citations": [{"type": "page"}]} if self.random.random() < 0.2 else {}
                return [{"type": "text", "text": some_text(self.random), **cited}]
            case "empty":
                return [{"type": "text", "text": self.random.choice(("", " \n"))}]
            case "thinking":
                thought = self.random.choice(("", "Let me see."))
                return [
                    {"type": "thinking", "thinking": thought, "signature": _signed(prompt, before, thought)}
                ]
            case "redacted":
                return [{"type": "redacted_thinking", "data": "c2VjcmV0"}]
            case "tool":
                return [
                    {"type": "tool_use", "id": use_id, "name": "look", "input": {"at": "the sea", "n": 1}}
                ]
            case "server_tool":
                name = self.random.choice(SERVER_TOOLS)
                use = {"type": "server_tool_use", "id": use_id, "name": name, "input": {"q": "sea"}}
                result = {"type": f"{name}_tool_result", "tool_use_id": use_id, "content": []}
                return [use, result] if self.random.random() < 0.8 else [use]
            case _:
                return [{"type": "novelty", "what": "newer than our rules"}]

    # The tree

    def _take(self, messages: Sequence[Said]) -> None:
        for role, blocks, bound_to in messages:
            self._put(Node(self._id(), self.head, role, blocks, None, bound_to, self.random.random() < 0.3))

    def _put(self, node: Node) -> None:
        self.nodes[node.id] = node
        self.head = node.id

    def _id(self) -> str:
        self._ids += 1
        return f"m{self._ids}"

    def _any(self) -> str | None:
        return self.random.choice(list(self.nodes)) if self.nodes else None

    def _pick(self, fits: Any) -> Node | None:
        nodes = [one for one in self.nodes.values() if fits(one)]
        return self.random.choice(nodes) if nodes else None

    def _path(self, at: str | None) -> list[Node]:
        path = []
        while at is not None:
            path.append(self.nodes[at])
            at = self.nodes[at].parent
        return path[::-1]

    def _entries(self, at: str | None) -> list[Entry]:
        return [_entry(one) for one in self._path(at)]


def _entry(node: Node) -> Entry:
    return Entry(node.id, node.role, node.content, node.model, node.bound_to)


def _signed(prompt: Prompt, before: list[Block], thought: str) -> str:
    request = prompt.as_request()
    said = [{"role": "assistant", "content": before}] if before else []
    return signing.sign(prefix_digest({**request, "messages": [*request["messages"], *said]}), thought)


def events_of(random: Random, blocks: Iterable[Block]) -> Iterator[Event]:
    """The events of an answer, each block in pieces as Claude sends it."""
    start = {"id": "msg_x", "type": "message", "role": "assistant", "model": "claude-x", "usage": {}}
    yield _event({"type": "message_start", "message": start})
    for index, block in enumerate(blocks):
        begun, deltas = _pieces(random, block)
        yield _event({"type": "content_block_start", "index": index, "content_block": begun})
        for delta in deltas:
            yield _event({"type": "content_block_delta", "index": index, "delta": delta})
        yield _event({"type": "content_block_stop", "index": index})
    yield _event(
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    )
    yield _event({"type": "message_stop"})


def _event(payload: Block) -> Event:
    return Event(payload["type"], payload, "")


def _pieces(random: Random, block: Block) -> tuple[Block, list[Block]]:
    match block["type"]:
        case "text":
            deltas = [{"type": "text_delta", "text": one} for one in _halves(random, block["text"])]
            cited = [{"type": "citations_delta", "citation": one} for one in block.get("citations", ())]
            return {"type": "text", "text": "", **({"citations": None} if cited else {})}, deltas + cited
        case "thinking":
            deltas = [
                {"type": "thinking_delta", "thinking": one} for one in _halves(random, block["thinking"])
            ]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signed]
        case "tool_use" | "server_tool_use":
            bits = ["", *_halves(random, json.dumps(block["input"]))]
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": one} for one in bits]
        case _:
            return block, []


def _halves(random: Random, text: str) -> list[str]:
    cut = random.randrange(len(text) + 1)
    return [one for one in (text[:cut], text[cut:]) if one]


# What people and documents bring along


def some_text(random: Random) -> str:
    return random.choice(("Hello.", "And now?", "yes \n", "Ünïcödé 漢字 🦆", LONG))


def marked(random: Random, block: Block) -> Block:
    """A block, sometimes with a cache marker."""
    return {**block, "cache_control": random.choice(MARKERS)} if random.random() < 0.35 else block


def image() -> Block:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}


def document(random: Random) -> Block:
    inner = [marked(random, {"type": "text", "text": "A page."}) for _ in range(random.randrange(1, 4))]
    sources: tuple[Block, ...] = (
        {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"},
        {"type": "content", "content": inner},
        {"type": "text", "media_type": "text/plain", "data": "A page."},
    )
    return {"type": "document", "source": random.choice(sources), "title": random.choice((None, "A title"))}


def sent_content(random: Random) -> list[Block]:
    """What a person may send: the API's own check says so."""
    kinds = (lambda: {"type": "text", "text": some_text(random)}, image, lambda: document(random))
    while True:
        count = random.choice((1, 1, 1, 2, 6))
        blocks = [marked(random, random.choices(kinds, (6, 1, 1))[0]()) for _ in range(count)]
        if is_taken("user", blocks):
            return blocks


def odd_messages(random: Random) -> Iterator[Said]:
    """A history from elsewhere: whatever the check of an import lets in."""
    for _ in range(random.randrange(1, 9)):
        role = random.choice(("user", "assistant"))
        blocks = [marked(random, odd_block(random, role)) for _ in range(random.choice((0, 1, 1, 2, 3, 5)))]
        yield role, [one for one in blocks if is_taken(role, [one])], random.choice((None, None, "0" * 64))


def is_taken(role: str, blocks: list[Block]) -> bool:
    try:
        content.check(role, content.as_blocks(blocks))
    except ValidationError:
        return False
    return True


def odd_block(random: Random, role: str) -> Block:
    if random.random() < 0.4:
        return {"type": "text", "text": random.choice(("Said before.", "", " ", LONG))}
    return _odd_user(random) if role == "user" else _odd_assistant(random)


def _odd_user(random: Random) -> Block:
    inner = [marked(random, random.choice(({"type": "text", "text": "It is 7."}, image()))) for _ in range(2)]
    result: Block = {"type": "tool_result", "tool_use_id": random.choice(IDS)}
    return random.choice(
        (
            result,
            {**result, "content": ""},
            {**result, "content": inner},
            {**result, "content": [{"type": "tool_reference", "tool_name": "look"}]},
            {**result, "content": [document(random)], "is_error": True},
            {"type": "search_result", "source": "s", "title": "t", "content": [inner[0]]},
            {"type": "container_upload", "file_id": "file_1"},
            image(),
            document(random),
        )
    )


def _odd_assistant(random: Random) -> Block:
    use = {"id": random.choice(IDS), "input": {}, "caller": random.choice((None, {"type": "direct"}))}
    return random.choice(
        (
            {"type": "thinking", "thinking": "Hm.", "signature": random.choice(("", "forged"))},
            {"type": "redacted_thinking", "data": random.choice(("", "x"))},
            {"type": "tool_use", "name": "look", **use},
            {"type": "tool_use", "name": "look", **use},
            {"type": "server_tool_use", "name": random.choice(SERVER_TOOLS), **use},
            {"type": "web_search_tool_result", "tool_use_id": random.choice(IDS), "content": []},
            {"type": "code_execution_tool_result", "tool_use_id": random.choice(IDS), "content": {}},
            {"type": "container_upload", "file_id": "file_1"},
            {"type": "text", "text": "As it says.", "citations": [{"type": "page"}]},
            {"type": "novelty", "what": "newer than our rules"},
        )
    )
