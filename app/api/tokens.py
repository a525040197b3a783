"""/tokens: count before you send."""

from __future__ import annotations

from typing import Any

from app.api import examples
from app.api.wiring import Blueprint
from app.errors import CLAUDE_ERRORS
from app.schemas.tokens import CountDraft, CountView
from app.services import tokens
from app.services.settings import Wishes

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens", description="Count before you send.")


@blueprint.post("/count")
@blueprint.takes(CountDraft, example=examples.COUNT)
@blueprint.answers(200, CountView)
@blueprint.may_fail(*CLAUDE_ERRORS)
def count_tokens(values: dict[str, Any]) -> Any:
    """Count the tokens of content or of messages.

    An estimate costs nothing and asks nobody; with `"exact": true` Claude is asked.
    """
    given = values.get("messages") or [{"role": "user", "content": values["content"]}]
    return tokens.count(given, Wishes(values.get("model"), values.get("system")), values["exact"])
