"""OpenTelemetry, where its standard variables ask for it; else not even imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.telemetry import tracing
from app.telemetry.redaction import Redactor

if TYPE_CHECKING:
    from app.telemetry.mirror import Mirror

OTLP, NONE = "otlp", "none"
TRACES = "v1/traces"
SHOWING = frozenset({"true", "span_only", "span_and_event"})


@dataclass(frozen=True)
class Wish:
    """What the variables say, as they are."""

    disabled: str = ""
    exporter: str = ""
    endpoint: str = ""
    traces_endpoint: str = ""
    content: str = ""

    @property
    def is_made(self) -> bool:
        """Whether traces are to be exported: an address is enough."""
        if self.disabled.lower() == "true":
            return False
        exporters = {one.strip().lower() for one in self.exporter.split(",") if one.strip()}
        return OTLP in exporters if exporters else bool(self.endpoint or self.traces_endpoint)

    @property
    def address(self) -> str | None:
        """Where traces go; None for the usual place on this machine."""
        base = self.endpoint.rstrip("/")
        return self.traces_endpoint or (f"{base}/{TRACES}" if base else None)

    @property
    def shows_content(self) -> bool:
        """Whether what is said may be exported."""
        return self.content.lower() in SHOWING


def mirrored(wish: Wish, redactor: Redactor, version: str) -> Mirror | None:
    """A watcher of all traces from now on, where one is wished for."""
    if not wish.is_made:
        return None
    from app.telemetry.mirror import Mirror

    made = Mirror(wish.address, redactor, version, shows_content=wish.shows_content)
    tracing.watch(made.opened)
    return made


def for_claude(mirror: Mirror, wish: Wish) -> dict[str, Any]:
    """What the `anthropic` package takes as `open_telemetry`."""
    mode = "content" if wish.shows_content else "metadata_only"
    return {"tracer_provider": mirror.tracers, "traces": {"content_mode": mode}}
