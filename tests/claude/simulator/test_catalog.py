"""The models, as the package lists them."""

import anthropic
import httpx2
import pytest


def test_models_are_listed_over_pages(client: anthropic.Anthropic) -> None:
    listed = [model.id for model in client.models.list(limit=4)]
    assert {"claude-opus-5-5", "claude-haiku-5-5", "claude-sonnet-4-5", "claude-simulator-8k"} <= set(listed)
    assert len(listed) == len(set(listed))
    assert listed == [model.id for model in client.models.list(limit=1_000)]


def test_models_are_paged_backwards(client: anthropic.Anthropic) -> None:
    ids = [model.id for model in client.models.list(limit=1_000)]
    page = client.models.list(limit=2, before_id=ids[4])
    assert [model.id for model in page.data] == ids[2:4]
    assert page.has_more
    assert not client.models.list(limit=4, before_id=ids[3]).has_more


def test_models_have_what_the_package_expects(client: anthropic.Anthropic) -> None:
    model = client.models.retrieve("claude-haiku-5-5")
    assert (model.max_input_tokens, model.max_tokens) == (1_000_000, 128_000)
    assert (model.display_name, model.line, model.lifecycle) == ("Claude Haiku 5.5", "haiku", "active")
    assert model.capabilities
    assert model.capabilities.thinking.types.adaptive.supported


def test_models_may_be_about_to_retire(client: anthropic.Anthropic) -> None:
    model = client.models.retrieve("claude-sonnet-4-5")
    assert model.lifecycle == "deprecated"
    assert model.retires_at
    assert model.retires_at.date().isoformat() == "2026-11-30"


def test_models_are_filtered_by_lifecycle(client: anthropic.Anthropic) -> None:
    deprecated = [model.id for model in client.models.list(lifecycle=["deprecated"])]
    assert deprecated == ["claude-sonnet-4-5", "claude-sonnet-4-5-20250929"]
    assert client.models.list(lifecycle=["retired"]).data == []


def test_models_are_not_found_when_unknown(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("claude-9")


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=many", "after_id=claude-9"])
def test_models_refuse_a_wrong_page(http: httpx2.Client, query: str) -> None:
    assert http.get(f"/v1/models?{query}").status_code == 400
