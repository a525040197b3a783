"""`flask admin price`: what models cost, from the command line."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup
from marshmallow import ValidationError

from app.cli.admin import in_words
from app.schemas.prices import PriceDraft, SetPriceView
from app.services import prices
from app.services.pages import Ask

CLASSES = ("input", "cache-read", "cache-write-5m", "cache-write-1h", "output")
MOST_SHOWN = 1_000
price = AppGroup("price", help="What models cost, where the price list doesn't know or is not to hold.")


def takes_classes(command: Any) -> Any:
    """The price of each class of tokens."""
    for name in reversed(CLASSES):
        command = click.option(f"--{name}", required=True, help="USD a million tokens.")(command)
    return command


@price.command("set")
@click.argument("model")
@takes_classes
@click.option("--web-search-nano-usd", type=int, help="Nano-USD a search, 10,000,000 if left out.")
@in_words()
def set_price(model: str, web_search_nano_usd: int | None, **usd_per_million: str) -> None:
    """Set what a model costs from now on."""
    draft: dict[str, Any] = {f"{name}_usd_per_million": value for name, value in usd_per_million.items()}
    if web_search_nano_usd is not None:
        draft["web_search_nano_usd"] = web_search_nano_usd
    try:
        row = prices.change(None, model, PriceDraft().load(draft))
    except ValidationError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{row.model}  {prices.version_of(row)}")


@price.command("list")
@in_words()
def list_prices() -> None:
    """List what was set, in USD a million tokens."""
    for row in prices.page(Ask(MOST_SHOWN)).rows:
        shown = SetPriceView().dump(row)
        classes = (shown[f"{name.replace('-', '_')}_usd_per_million"] for name in CLASSES)
        click.echo(f"{row.model}  {'  '.join(classes)}  {prices.version_of(row)}")


@price.command("remove")
@click.argument("model")
@in_words()
def remove_price(model: str) -> None:
    """Go back to what the price list says of a model."""
    prices.remove(None, model)
    click.echo(f"{model} costs what the price list says.")
