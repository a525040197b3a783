"""What Claude is sent: pure functions on values. `assemble` is the one entry, `settled` keeps the books."""

from app.context.assemble import assemble
from app.context.books import Counted, Settled, settled
from app.context.plan import Forecast, Plan, Sources
from app.context.state import State
from app.context.thinking import without_thinking
from app.context.values import Ask, Entry, Past, Prompt, Summary, Window

__all__ = [
    "Ask",
    "Counted",
    "Entry",
    "Forecast",
    "Past",
    "Plan",
    "Prompt",
    "Settled",
    "Sources",
    "State",
    "Summary",
    "Window",
    "assemble",
    "settled",
    "without_thinking",
]
