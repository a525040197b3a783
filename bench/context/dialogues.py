"""Dialogues in the form of LoCoMo: of each question the turns that hold the answer are known."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

EVIDENCE = re.compile(r"D:?(\d+):(\d+)")


class Question(NamedTuple):
    """`evidence` are the depths of the messages that must be found."""

    text: str
    evidence: frozenset[int]


class Dialogue(NamedTuple):
    """What is imported, what is asked, and how many questions were left out."""

    messages: list[dict[str, Any]]
    questions: list[Question]
    skipped: int


def read(path: Path, has_names: bool) -> list[Dialogue]:
    """The dialogues of a file; `has_names` puts the speaker's name before each text."""
    return [_dialogue(one, has_names) for one in json.loads(path.read_text())]


def _dialogue(sample: dict[str, Any], has_names: bool) -> Dialogue:
    said = sample["conversation"]
    messages: list[dict[str, Any]] = []
    depths: dict[tuple[int, int], int] = {}
    numbers = (int(name.split("_")[1]) for name in said if re.fullmatch(r"session_\d+", name))
    for number in sorted(numbers):
        began = datetime.strptime(f"{said[f'session_{number}_date_time']} +0000", "%I:%M %p on %d %B, %Y %z")
        for at, turn in enumerate(said[f"session_{number}"]):
            depths[_evidence(turn["dia_id"])[0]] = len(messages)
            words = f"{turn['speaker']}: {turn['text']}" if has_names else turn["text"]
            messages.append(
                {
                    "role": "user" if turn["speaker"] == said["speaker_a"] else "assistant",
                    "content": [{"type": "text", "text": words}],
                    "created_at": began + timedelta(minutes=at),
                }
            )
    asked = [(one["question"], _evidence(" ".join(one.get("evidence", [])))) for one in sample["qa"]]
    good = [(words, ids) for words, ids in asked if ids and depths.keys() >= set(ids)]
    questions = [Question(words, frozenset(depths[one] for one in ids)) for words, ids in good]
    return Dialogue(messages, questions, len(asked) - len(good))


def _evidence(ids: str) -> list[tuple[int, int]]:
    return [(int(session), int(turn)) for session, turn in EVIDENCE.findall(ids)]
