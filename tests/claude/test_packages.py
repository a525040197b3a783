"""The `anthropic` package, imported sparingly, is the same package. Each test needs a Python of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

SPARINGLY = "import app.claude.client"
NAMES = """
import importlib, json
told = {}
packages = ("", ".types", ".types.beta", ".types.shared", ".resources", ".lib.streaming", ".lib.credentials")
for package in packages:
    module = importlib.import_module("anthropic" + package)
    names = wanted[package] if wanted else [one for one in dir(module) if not one.startswith("_")]
    values = {one: getattr(module, one) for one in names}
    told[package] = {one: getattr(value, "__qualname__", getattr(value, "__name__", type(value).__name__))
                     for one, value in values.items()}
print(json.dumps(told))
"""


def said_by(*lines: str) -> Any:
    """What a new Python prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_every_name_is_what_it_would_be() -> None:
    usual = said_by("wanted = None", NAMES)
    assert len(usual[".types.beta"]) > 1_000
    sparing = said_by(SPARINGLY, f"wanted = { ({one: [*names] for one, names in usual.items()}) }", NAMES)
    assert sparing == usual


def test_what_nobody_asks_for_is_not_imported() -> None:
    modules = said_by(
        SPARINGLY,
        "app.claude.client.warm_up()",
        "import json, sys",
        "print(json.dumps([one for one in sys.modules if one.startswith('anthropic')]))",
    )
    assert "anthropic.resources.messages.messages" in modules
    assert {"anthropic.resources.beta", "anthropic.lib.vertex", "anthropic.lib.tools"} & set(modules) == set()
    assert len(modules) < 1_500


def test_names_that_are_nowhere_are_said_to_be_missing() -> None:
    found = said_by(
        SPARINGLY,
        "import json, anthropic, anthropic.types",
        "print(json.dumps([hasattr(one, 'nothing') for one in (anthropic, anthropic.types)]))",
    )
    assert found == [False, False]


def test_all_that_the_package_offers_can_be_imported_at_once() -> None:
    found = said_by(
        SPARINGLY,
        "from anthropic import *",
        "import json, anthropic",
        "print(json.dumps([one for one in anthropic.__all__ if one not in globals()]))",
    )
    assert found == []
