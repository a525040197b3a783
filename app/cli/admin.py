"""People and keys, from the command line; other modules add commands of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from flask.cli import AppGroup

from app.errors import ColloquyError
from app.services import health, users
from app.services.roles import SCOPES

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
admin = AppGroup("admin", help="People, their keys, prices and traces.")
user = AppGroup("user", help="People.")
key = AppGroup("key", help="API keys.")
admin.add_command(user)
admin.add_command(key)


@contextmanager
def in_words() -> Iterator[None]:
    """Errors are told in a line instead of a traceback; as a decorator, for a whole command."""
    try:
        with health.database_in_words():
            yield
    except ColloquyError as error:
        raise click.ClickException(error.detail) from error


@user.command("add")
@click.argument("name")
@click.option("--role", default="member", show_default=True, help="admin, member or viewer.")
@in_words()
def add_user(name: str, role: str) -> None:
    """Add a person, with a first key."""
    made = users.add(name, role)
    _, secret = users.add_key(made.id, "first key")
    click.echo(f"{made.id}  {made.name} ({made.role})")
    click.echo(f"Their key, shown this once: {secret}")


@user.command("role")
@click.argument("user")
@click.argument("role")
@in_words()
def change_role(user: str, role: str) -> None:
    """Change what a person, given by id or name, may do: admin, member or viewer."""
    changed = users.change(None, users.named(user).id, {"role": role})
    click.echo(f"{changed.id}  {changed.name} ({changed.role})")


@user.command("list")
@in_words()
def list_users() -> None:
    """List everybody."""
    for one in users.everybody():
        click.echo(f"{one.id}  {one.role:6}  {one.name}")


@key.command("add")
@click.argument("user")
@click.option("--name", default="key", show_default=True, help="What the key is for.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(list(SCOPES)), help="May be repeated.")
@click.option("--expires", type=click.DateTime(TIMES), help="When it ends by itself, in UTC.")
@in_words()
def add_key(user: str, name: str, scopes: tuple[str, ...], expires: datetime | None) -> None:
    """Make a key for a person, given by id or name."""
    expires_at = expires.replace(tzinfo=UTC) if expires else None
    made, secret = users.add_key(user, name, scopes or None, expires_at)
    click.echo(f"{made.id}  {made.name}")
    click.echo(f"The key, shown this once: {secret}")


@key.command("list")
@click.argument("user")
@in_words()
def list_keys(user: str) -> None:
    """List the keys of a person, given by id or name."""
    for one in users.keys_of(user):
        scopes = ", ".join(one.scopes) if one.scopes is not None else "all of the role"
        click.echo(f"{one.id}  {one.prefix}…  {users.state_of(one)}  {one.name} ({scopes})")


@key.command("revoke")
@click.argument("key_id")
@in_words()
def revoke_key(key_id: str) -> None:
    """End a key at once."""
    click.echo(f"{key_id} ended at {users.revoke_key(key_id):%Y-%m-%d %H:%M:%S} UTC")
