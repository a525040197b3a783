"""The list of models, over HTTP."""

from __future__ import annotations

from collections.abc import Callable

from tests.support import Api


def test_models_have_windows_prices_and_a_lifecycle(api: Api) -> None:
    listed = {one["id"]: one for one in api.get("/models").json()["data"]}
    sonnet = listed["claude-sonnet-5-5"]
    assert (sonnet["window_tokens"], sonnet["greatest_output_tokens"]) == (1_000_000, 128_000)
    assert (sonnet["lifecycle"], sonnet["is_default"]) == ("active", True)
    assert sonnet["prices"][0]["input_nano_usd"] == 2_000
    assert sonnet["prices"][0]["cache_read_usd"] == "0.0000001"
    assert [one["above_prompt_tokens"] for one in listed["claude-haiku-5-5"]["prices"]] == [0, 100_000]
    assert sonnet["is_priced"]
    assert sonnet["price_version"].startswith("genai-prices ")
    assert sonnet["fast_prices"] == []
    assert listed["claude-opus-5-5"]["fast_prices"][0]["output_usd"] == "0.00004"
    assert listed["claude-opus-5-5"]["web_search_nano_usd"] == 10_000_000
    simulated = listed["claude-simulator-8k"]
    assert (simulated["is_priced"], simulated["price_version"]) == (True, "simulator")
    assert simulated["prices"][0]["input_nano_usd"] == 0


def test_models_are_paged_like_every_list(api: Api) -> None:
    whole = [one["id"] for one in api.get("/models").json()["data"]]
    first = api.get("/models?limit=3").json()
    rest = api.get(f"/models?cursor={first['next_cursor']}").json()
    assert [one["id"] for page in (first, rest) for one in page["data"]] == whole
    assert [one["id"] for one in api.get("/models?order=desc").json()["data"]] == whole[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)


def test_without_a_list_from_upstream_the_price_list_serves(variant: Callable[..., Api]) -> None:
    access: Api = variant(anthropic_base_url="http://127.0.0.1:9", retry_tries=1)
    listed = {one["id"]: one for one in access.get("/models").json()["data"]}
    assert listed["claude-opus-5-5"]["lifecycle"] == "unknown"
    assert listed["claude-opus-5-5"]["window_tokens"] == 1_000_000
