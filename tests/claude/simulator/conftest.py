"""One simulator and one client for all tests that don't count what it was asked."""

from collections.abc import Iterator

import anthropic
import httpx2
import pytest

from app.claude.simulator import Simulator

HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with Simulator(seconds_per_event=0) as running:
        yield running


@pytest.fixture(scope="session")
def client(simulator: Simulator) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=simulator.base_url, api_key="k", max_retries=0) as made:
        yield made


@pytest.fixture(scope="session")
def http(simulator: Simulator) -> Iterator[httpx2.Client]:
    """A client that is not the package: older headers, no retries."""
    with httpx2.Client(base_url=simulator.base_url, headers=HEADERS) as made:
        yield made
