"""A server that speaks Claude's wire protocol and is no model: for development without a key, and for tests.

`python -m app.claude.simulator` runs it alone; `directives` says what a message may ask of it."""

from app.claude.simulator.recording import RecordedRequest
from app.claude.simulator.server import Simulator

__all__ = ["RecordedRequest", "Simulator"]
