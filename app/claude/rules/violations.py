"""What is wrong with a request, and where."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """`path` points into the request (`messages.0.content.1.text`); `message` is Claude's where known."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message
