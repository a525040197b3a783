"""What the simulator reads out of a request: who said what, and what is asked of it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from app.claude.simulator import directives
from app.claude.simulator.directives import Directives

Message = Mapping[str, Any]
Block = Mapping[str, Any]

LONGEST_QUOTE_CHARACTERS = 80


def asked(request: Mapping[str, Any]) -> Directives:
    """From the last text block only: what stands before it may be quoted from earlier messages.

    Where tools have answered since, what was wished holds as many rounds as it says, without its faults.
    """
    users = [one for one in reversed(request["messages"]) if one["role"] == "user"]
    rounds = len(list(takewhile(_has_only_results, users)))
    if rounds == len(users):
        return Directives()
    texts = [block["text"] for block in _blocks(users[rounds]) if block["type"] == "text"]
    found = directives.parse(texts[-1]) if texts else Directives()
    if rounds == 0:
        return found
    return Directives((), found.wish) if rounds < found.wish.rounds else Directives()


def summary(request: Mapping[str, Any]) -> str:
    """Says that this is the simulator, and shows that it read the newest message and the first."""
    messages = request["messages"]
    users = [message for message in messages if message["role"] == "user"]
    number = max(at for at, message in enumerate(messages, 1) if message["role"] == "user")
    said = ["This is the simulator, not Claude.", _quoted(users[-1])]
    said.append(f"It is message {number} of this conversation.")
    if len(users) > 1:
        said.append(f"The conversation began with: “{_shortened(_text(users[0]))}”.")
    return " ".join(said)


def _has_only_results(message: Message) -> bool:
    return all(block["type"] == "tool_result" for block in _blocks(message))


def _blocks(message: Message) -> Sequence[Block]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _quoted(message: Message) -> str:
    results = [block for block in _blocks(message) if block["type"] == "tool_result"]
    others = [block for block in _blocks(message) if block["type"] != "tool_result"]
    said = [f"The tool answered: “{_shortened(' '.join(_result_texts(results)))}”."] if results else []
    if others or not results:
        said.append(f"You wrote: “{_shortened(_text({'content': others}))}”.")
    return " ".join(said)


def _result_texts(results: Sequence[Block]) -> Iterator[str]:
    for result in results:
        content = result.get("content", "")
        inner = [content] if isinstance(content, str) else [each.get("text", "") for each in content]
        yield from inner


def _text(message: Message) -> str:
    said = [block["text"] if block["type"] == "text" else f"({block['type']})" for block in _blocks(message)]
    return directives.without(" ".join(said))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_QUOTE_CHARACTERS else f"{line[:LONGEST_QUOTE_CHARACTERS].rstrip()}…"
