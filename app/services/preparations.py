"""How a turn is prepared: what is wished for, the path it follows, a prompt that fits what may be spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from app.claude.events import Event
from app.context import Ask, Entry, Prompt
from app.errors import ContextOverflow, PlanChanged
from app.extensions import config
from app.models.base import new_id
from app.models.charges import MESSAGE
from app.models.messages import Message
from app.models.sessions import ChatSession
from app.services import budgets, ladder, pasts, quotes, receipts, toolboxes, tree
from app.services.budgets import Payer, Standing
from app.services.charges import Order
from app.services.counts import Owner
from app.services.idempotency import Made
from app.services.identity import Caller
from app.services.models import window_of
from app.services.pasts import Known
from app.services.quotes import Quote
from app.services.settings import Wishes, settle
from app.services.toolboxes import Toolbox
from app.services.transactions import reading
from app.telemetry import tracing
from app.tools import dispatcher

MAX_COST = "max_cost_usd"  # the scope of a send's own limit
GO_ON = (
    "Your last message was cut off. Continue it exactly where it stopped: repeat nothing of it, "
    "and say nothing about the interruption."
)


@dataclass(frozen=True)
class After:
    """The message that a turn follows; None begins the conversation anew."""

    message_id: str | None


@dataclass(frozen=True)
class Draft:
    """What a turn begins with. No session id makes a session; `after` is None for the session's head.

    `content` is None where the message to answer is there already: `answers_id`. The `instruction` is said to
    Claude after all of it, and not kept. `waits` is for a session that is busy. Where there is an
    `expected_plan`, that is sent or nothing; `max_cost_nano_usd` is the most that it may cost. Where it hands
    in what an answer waits for, it `settles_id`; `events` are those of tools that were used for it.
    """

    content: list[dict[str, Any]] | None
    session_id: str | None = None
    wishes: Wishes = field(default_factory=Wishes)
    metadata: dict[str, Any] = field(default_factory=dict)
    after: After | None = None
    answers_id: str | None = None
    instruction: str | None = None
    waits: bool = False
    expected_plan: str | None = None
    max_cost_nano_usd: int | None = None
    settles_id: str | None = None
    events: Sequence[Event] = ()


@dataclass(frozen=True)
class Start:
    """What a turn is to be stored as: the message it follows, the ids, and the prompt made for it.

    `receipt` says what went into it; `known`, `newest` and `ask` are what it was made from. `steps` are what
    was lessened so that it fits a budget.
    """

    parent: Message | None
    made: Made
    known: Known
    newest: list[Entry]
    ask: Ask
    prompt: Prompt
    receipt: dict[str, Any]
    quote: Quote
    toolbox: Toolbox
    steps: Sequence[dict[str, Any]] = ()

    @property
    def of_answer(self) -> dict[str, Any]:
        """What the answer's row says of it."""
        prompt = self.prompt
        made = {"model": prompt.model, "bound_to": prompt.bound_to}
        return {**made, "context": self.receipt, "context_state": prompt.state.as_json()}

    @property
    def order(self) -> Order:
        """What is reserved for it."""
        about = (self.prompt.model, self.quote.price_version, self.quote.greatest, self.quote.forecast)
        return Order(MESSAGE, *about, self.steps)

    def shortened(self, refused: Prompt, refusal: ContextOverflow) -> tuple[Prompt, dict[str, Any]]:
        """The prompt that is sent where Claude found this one too long, and its receipt."""
        prompt = pasts.shortened(self.known, self.newest, self.ask, refused, refusal)
        lessened = min(prompt.max_tokens, refused.max_tokens) if self.steps else prompt.max_tokens
        prompt = replace(prompt, max_tokens=lessened, effort=refused.effort)
        return prompt, receipts.of_prompt(prompt, self.known, self.newest)


class HeadMoved(Exception):
    """Something else happened to the session while the prompt was made: it is made anew."""


def prepare(caller: Caller, draft: Draft, chat: ChatSession | None) -> Start:
    """Read the path and make the prompt, so that it fits what may be spent; nothing is stored.

    Raises NotFound, ContextOverflow, ModelNotPriced, BudgetExhausted and PlanChanged.
    """
    start = _within_means(caller, draft, chat, _made(caller, draft, chat))
    prompt = start.prompt
    if draft.expected_plan and prompt.digest != draft.expected_plan:
        error = PlanChanged(
            "Something was said or set since the preflight, or time has passed: ask for it again."
        )
        error.about = {"plan": prompt.digest}
        raise error
    return start


def _made(caller: Caller, draft: Draft, chat: ChatSession | None) -> Start:
    """The prompt as it is wished for."""
    made = Made(chat.id if chat else new_id("ses"), draft.answers_id or new_id("msg"), new_id("msg"))
    ask = settle(draft.wishes, chat)
    limits = window_of(ask.model)
    with tracing.span("load"), reading() as session:
        parent = parent_of(session, made.session_id, draft.after) if draft.after else _head(session, chat)
        known = pasts.seeded(session, pasts.known(session, parent, limits, ask), caller.user_id)
    newest = _newest(draft, made, parent.depth + 1 if parent else 0)
    owner = Owner(caller.user_id, chat.id if chat else None)
    prompt = dispatcher.call(
        "assemble",
        lambda: pasts.prompt_for(known, newest, ask, owner),
        said={"messages": len(known.path) + len(newest), "tools": len(ask.tools)},
        told=lambda made: {"prompt_tokens": made.plan.prompt_tokens, "cut": made.plan.cut},
    )
    with tracing.span("quote"):
        receipt, quote = receipts.of_prompt(prompt, known, newest), quotes.of(prompt)
    toolbox = toolboxes.of(chat.tools if chat else None)
    return Start(parent, made, known, newest, ask, prompt, receipt, quote, toolbox)


def _within_means(caller: Caller, draft: Draft, chat: ChatSession | None, start: Start) -> Start:
    """It as it is, or lessened as the settings allow; raises BudgetExhausted."""
    with tracing.span("budget"):
        limit = _narrowest(caller, draft, chat)
    if limit is None or start.quote.greatest <= limit.remaining_nano_usd:
        return start
    others: dict[str, Start] = {}

    def _on_cheaper_model() -> Prompt | None:
        model = config().cheaper_model
        if model == start.prompt.model:
            return None
        wishes = replace(draft.wishes, model=model)
        others[model] = _made(caller, replace(draft, wishes=wishes), chat)
        return others[model].prompt

    rungs = config().ladder if limit.scope != MAX_COST else (ladder.MAX_TOKENS, *config().ladder)
    most = limit.remaining_nano_usd
    found = ladder.fitted(start.prompt, most, dict.fromkeys(rungs), _on_cheaper_model)
    if found is None:
        raise budgets.exhausted(limit, start.quote.greatest)
    of = others.get(found.prompt.model, start)
    receipt = {**of.receipt, "max_tokens": found.prompt.max_tokens}
    quote = quotes.of(found.prompt)
    return replace(of, made=start.made, prompt=found.prompt, receipt=receipt, quote=quote, steps=found.steps)


def _narrowest(caller: Caller, draft: Draft, chat: ChatSession | None) -> Standing | None:
    """The limit that leaves the least: a budget's, or the send's own."""
    found = [budgets.narrowest(Payer(caller.user_id, caller.key_id, chat.id if chat else None))]
    if draft.max_cost_nano_usd is not None:
        found.append(Standing(MAX_COST, draft.max_cost_nano_usd, "total", "UTC", 0, 0, None))
    return min(filter(None, found), key=lambda one: one.remaining_nano_usd, default=None)


def _newest(draft: Draft, made: Made, depth: int) -> list[Entry]:
    """What is new after the path."""
    if draft.content is not None:
        return [Entry(made.user_message_id, "user", draft.content, depth=depth)]
    if draft.instruction:
        said = [{"type": "text", "text": draft.instruction}]
        return [Entry("", "user", said, depth=depth, is_instruction=True)]
    return []


def parent_of(session: Session, session_id: str, after: After) -> Message | None:
    """The message that is followed, which must be in the session."""
    return tree.message_in(session, session_id, after.message_id) if after.message_id else None


def _head(session: Session, chat: ChatSession | None) -> Message | None:
    """The message that a session stands at."""
    head = tree.message_at(session, chat.head_id) if chat else None
    if chat and chat.head_id and head is None:
        raise HeadMoved
    return head
