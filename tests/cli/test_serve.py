"""What `flask serve` says and checks before it serves."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from app.cli.serve import banner, curl_send
from config import Config

KEY = "clq_" + "k" * 43
SETTINGS = Config(port=8123)
ANYWHERE = ("0.0.0.0", "::")  # noqa: S104


def test_the_first_start_shows_the_key_twice_and_a_line_to_paste() -> None:
    said = banner(SETTINGS, KEY)
    assert said.startswith("Colloquy listens on http://127.0.0.1:8123 and has its manual at")
    assert said.count(KEY) == 2
    assert curl_send("http://127.0.0.1:8123", KEY) in said
    words = shlex.split(curl_send("http://h", KEY))
    assert words[:2] == ["curl", "http://h/messages"]
    assert f"Authorization: Bearer {KEY}" in words


def test_a_later_start_shows_no_key() -> None:
    given = replace(SETTINGS, admin_key=KEY, anthropic_api_key="sk-ant-1")
    said = banner(given, None)
    assert "clq_" not in said
    assert "sk-ant-1" not in said
    assert "curl http://127.0.0.1:8123/readyz" in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (SETTINGS, "Upstream: the built-in simulator. Set ANTHROPIC_API_KEY to talk to Claude."),
        (replace(SETTINGS, anthropic_api_key="k"), "Upstream: Claude, at Anthropic"),
        (replace(SETTINGS, anthropic_base_url="http://c:1"), "Upstream: http://c:1"),
        (replace(SETTINGS, anthropic_api_key="k", upstream="simulator"), "Upstream: the built-in simulator."),
    ],
)
def test_upstream_is_said_aloud(settings: Config, said: str) -> None:
    assert said in banner(settings, None)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        *((host, "http://127.0.0.1:8123") for host in ANYWHERE),
        ("localhost", "http://localhost:8123"),
        ("10.0.0.7", "http://10.0.0.7:8123"),
        ("::1", "http://[::1]:8123"),
    ],
)
def test_the_address_is_one_that_can_be_opened(host: str, address: str) -> None:
    assert f"listens on {address} " in banner(replace(SETTINGS, host=host), None)
