"""What a send would be and cost, and that nothing comes of asking."""

from __future__ import annotations

from typing import Any

import pytest

from app.billing.costs import cost_nano_usd
from app.billing.usage import CLASSES, Usage
from app.errors import ContextOverflow, ModelNotPriced, NotFound, PlanChanged
from app.models.messages import Message
from app.services import preflights, prices, sessions, turns
from app.services.identity import Caller
from app.services.settings import Wishes
from tests.services.conftest import REQUEST_ID, draft, say
from tests.support import CountRows

MODEL = "claude-sonnet-5-5"
LONG = "some words to fill the window with, " * 30


def paid(answer: Message) -> int:
    used = Usage(**{name: getattr(answer, name) for name in CLASSES})
    return cost_nano_usd(prices.needed(MODEL), used)


def sent(caller: Caller, text: str, session_id: str, **values: Any) -> Message:
    return turns.finished(turns.start(caller, draft(text, session_id, **values), REQUEST_ID))[1]


def test_nothing_comes_of_asking(ada: Caller, count_rows: CountRows) -> None:
    session_id = sessions.create(ada, {}).chat.id
    say(ada, "Hello", session_id)
    before = count_rows()
    first = preflights.preflight(ada, draft("And now?", session_id))
    assert preflights.preflight(ada, draft("And now?", session_id)).plan == first.plan
    assert count_rows() == before


def test_the_cost_of_every_send_lies_between_the_least_and_the_greatest(ada: Caller) -> None:
    session_id = sessions.create(ada, {"context": {"budget_tokens": 2_000}, "max_tokens": 200}).chat.id
    for number in range(8):
        text = f"Number {number}: {LONG}"
        plan = preflights.preflight(ada, draft(text, session_id))
        cost = paid(sent(ada, text, session_id, expected_plan=plan.plan))
        assert plan.cost.least <= cost <= plan.cost.greatest
        assert plan.cost.least <= plan.cost.expected <= plan.cost.greatest
        assert plan.expected_output_tokens <= 200


def test_a_model_without_a_price_is_refused(ada: Caller) -> None:
    session_id = sessions.create(ada, {}).chat.id
    with pytest.raises(ModelNotPriced, match="claude-of-tomorrow"):
        preflights.preflight(ada, draft("Hello", session_id, wishes=Wishes(model="claude-of-tomorrow")))


def test_what_the_send_would_refuse_is_refused(ada: Caller, bob: Caller, count_rows: CountRows) -> None:
    session_id = sessions.create(ada, {"context": {"budget_tokens": 500}}).chat.id
    before = count_rows()
    with pytest.raises(ContextOverflow):
        preflights.preflight(ada, draft("word " * 5_000, session_id))
    with pytest.raises(NotFound):
        preflights.preflight(bob, draft("Hello", session_id))
    with pytest.raises(PlanChanged) as caught:
        preflights.preflight(ada, draft("Hello", session_id, expected_plan="x"))
    assert caught.value.about == {"plan": preflights.preflight(ada, draft("Hello", session_id)).plan}
    assert count_rows() == before
