"""What the simulator was asked lately, for a test to look at. Bounded in number and in bytes."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_REQUESTS = 1_000
MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """`headers` have names in lower case; `body` is the parsed JSON, None where it is none."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    size_bytes: int


class Recording:
    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=MOST_REQUESTS)
        self._most_bytes = most_bytes

    def add(self, request: RecordedRequest) -> None:
        """The newest stays, however big it is."""
        self.requests.append(request)
        kept_bytes = sum(each.size_bytes for each in self.requests)
        while kept_bytes > self._most_bytes and len(self.requests) > 1:
            kept_bytes -= self.requests.popleft().size_bytes
