"""What must be so after the storm: everything that a client was told, on every server, byte for byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.cluster.clients import Client
from bench.figures import short
from tests.faults.crowds import check_tree, id_of, replay, tree
from tests.servers import Server
from tests.support import Api


@dataclass
class Found:
    """Sums over all clients."""

    messages: int = 0
    streams: int = 0
    events: int = 0
    replays: int = 0
    retried: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    resumed_seconds: list[float] = field(default_factory=list)

    @property
    def says(self) -> str:
        """In a sentence or two."""
        tries = ", ".join(f"{number} of {what}" for what, number in self.retried.most_common()) or "none"
        ends = ", ".join(f"{number} {status}" for status, number in self.statuses.most_common())
        resumed = f"{len(self.resumed_seconds)} streams resumed"
        if self.resumed_seconds:
            resumed += f" (their end came within {short(max(self.resumed_seconds))} s)"
        return (
            f"{self.messages} messages acknowledged, 0 lost, 0 doubled; {self.streams} streams with "
            f"{self.events} events, {resumed}, {self.replays} replays, 0 bytes differ; answers: {ends}; "
            f"tried again: {tries}; other errors: 0."
        )


def check(clients: Sequence[Client], servers: Sequence[Server]) -> Found:
    """Raises AssertionError where something that a client was told is not so."""
    found = Found()
    accesses = [one.access() for one in servers]
    for client in clients:
        _check_messages(client, accesses[0])
        for stream in client.streams:
            found.replays += _check_stream(stream.seen, accesses)
            found.events += len(stream.seen)
        found.messages += len(client.acknowledged)
        found.streams += len(client.streams)
        found.retried += client.retried
        found.statuses += client.statuses
        found.resumed_seconds += client.resumed_seconds
    for one in accesses:
        one.close()
    return found


def _check_messages(client: Client, api: Api) -> None:
    messages = tree(api, client.session_id)
    check_tree(messages)
    words = {one["id"]: one["content"][0]["text"].split()[0] for one in messages if one["role"] == "user"}
    lost = client.acknowledged.items() - words.items()
    assert not lost, f"acknowledged and not there: {lost}"
    assert len(set(words.values())) == len(words), "a message is there twice"
    assert words.keys() == client.acknowledged.keys(), "a message that nobody was told of"


def _check_stream(seen: list[bytes], accesses: Sequence[Api]) -> int:
    message_id, _ = id_of(seen[0])
    assert [id_of(one) for one in seen] == [(message_id, at) for at in range(1, len(seen) + 1)]
    for one in accesses:
        assert replay(one, message_id) == seen, f"{message_id} is told in another way"
    return len(accesses)
