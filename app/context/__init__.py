"""What Claude is sent: pure functions on values. `assemble` is the one entry."""

from app.context.assemble import assemble, without_thinking
from app.context.values import Ask, Entry, Plan, Prompt, Window

__all__ = ["Ask", "Entry", "Plan", "Prompt", "Window", "assemble", "without_thinking"]
