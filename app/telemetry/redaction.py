"""Masks secrets in text: the values the server knows, and whatever is shaped like a key."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "[secret]"
SHAPES = r"\bclq_[A-Za-z0-9_-]{8,}|\bsk-ant-[A-Za-z0-9_-]{8,}|(?i:\bbearer\s+)[^\s\"',]{8,}"
CREDENTIALS_IN_URL = r"(?<=://)([^/\s:@]*):[^/\s@]+(?=@)"


class Redactor:
    """Masks the given secrets, anything shaped like a key, and passwords in URLs."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted((re.escape(one) for one in secrets if one), key=len, reverse=True)
        self._secret = re.compile("|".join([*known, SHAPES]))
        self._password = re.compile(CREDENTIALS_IN_URL)

    def __call__(self, text: str) -> str:
        return self._password.sub(rf"\1:{MASK}", self._secret.sub(MASK, text))
