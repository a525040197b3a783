"""Signatures of thinking blocks: bound to the conversation before the block, and to its text."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from app.claude.rules.models import Model
from app.claude.simulator import signatures
from app.claude.simulator.errors import Refused

# Not a secret: it only lets the simulator know its own signatures again.
_KEY = b"the simulator's own signing key"
_MARK = "sim1"
_REMEDY = 'Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to "drop_block".'


def sign(digest: str, thinking: str) -> str:
    seal = hmac.new(_KEY, f"{digest}.{thinking}".encode(), hashlib.sha256).hexdigest()
    return f"{_MARK}.{digest}.{seal}"


def verify(request: Mapping[str, Any], model: Model) -> None:
    """Refuses a thinking block that was changed, or that has another conversation before it now.

    Models that don't bind their thinking read past it."""
    if not model.is_bound:
        return
    for piece, digest in signatures.thinking_digests(request):
        signature, thinking = piece.block["signature"], piece.block["thinking"]
        invalid = f"{piece.path}: Invalid `signature` in `thinking` block."
        bound_to = signature.split(".")[1] if signature.count(".") == 2 else ""
        if not hmac.compare_digest(sign(bound_to, thinking).encode(), signature.encode()):
            raise Refused(400, invalid)
        if bound_to != digest:
            raise Refused(
                400,
                f"{invalid} The thinking block signature is bound to a different conversation. {_REMEDY}",
            )
