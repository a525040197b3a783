"""`flask admin trace`: what was called for an answer, drawn in the terminal."""

from __future__ import annotations

import shutil
import sys

import click
from flask.cli import with_appcontext

from app.cli import waterfalls
from app.cli.admin import in_words
from app.services import traces
from app.telemetry.tracing import CANCELLED, ERROR, TIMEOUT

COLOURS = {ERROR: "red", TIMEOUT: "yellow", CANCELLED: "magenta"}
USUAL_WIDTH = 100


@click.command("trace")
@click.argument("id_", metavar="ID")
@click.option("--verbose", is_flag=True, help="Say also what calls were given and what they gave.")
@with_appcontext
@in_words()
def show_trace(id_: str, verbose: bool) -> None:
    """Draw the trace of an answer, given by its own id or the trace's."""
    trace = traces.named(id_)
    click.echo(f"{trace.id}  {trace.message_id}  {trace.started_at:%Y-%m-%d %H:%M:%S} UTC  {trace.trace_id}")
    width = shutil.get_terminal_size((USUAL_WIDTH, 24)).columns
    for line in waterfalls.lines(trace.spans, width, is_verbose=verbose, bar=_bar()):
        is_dim = line.status is None or None
        click.echo(click.style(line.text, fg=COLOURS.get(line.status or ""), dim=is_dim))


def _bar() -> str:
    """A block, where the terminal has it."""
    return "█" if "utf" in (getattr(sys.stdout, "encoding", "") or "").lower() else "#"
