"""`flask admin replay`: a turn played again on what was recorded of it."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from app.cli.admin import in_words
from app.services import replays


@click.command("replay")
@click.argument("message_id", metavar="MESSAGE")
@with_appcontext
@in_words()
def replay_turn(message_id: str) -> None:
    """Run the turn of an answer again, asking and calling nobody; say whether the outcome is the same."""
    found = replays.replay(message_id)
    done = f"{found.message_id}: {found.asked} requests to Claude, {found.used} calls of tools"
    if not found.differences:
        click.echo(f"{done}; the outcome is the same.")
        return
    click.echo(f"{done}; the outcome differs:")
    for one in found.differences:
        click.echo(f"  {one}")
    sys.exit(1)
