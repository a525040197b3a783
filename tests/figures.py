"""What a server counts, read as Prometheus reads it."""

from __future__ import annotations

from collections import Counter

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from tests.support import Answer, Api

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
Figures = Counter[str]


def parsed(answer: Answer) -> Figures:
    """Every sample of a scrape, as `name{label="value"}` without `colloquy_`, labels in their order."""
    assert answer.status_code == 200, answer.text
    is_open = answer.headers["Content-Type"].startswith("application/openmetrics-text")
    families = list((open_metrics if is_open else plain_text)(answer.text))
    assert all(one.name.startswith("colloquy_") and one.documentation for one in families)
    found = Figures()
    for sample in (sample for one in families for sample in one.samples):
        labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
        found[f"{sample.name.removeprefix('colloquy_')}{{{labels}}}" if labels else sample.name[9:]] = (
            sample.value  # type: ignore[assignment]
        )
    return found


def scraped(api: Api, accept: str = "text/plain") -> Figures:
    """The figures as they stand."""
    return parsed(api.get("/metrics", headers={"Accept": accept}))


def since(api: Api, before: Figures) -> Figures:
    """What has been counted since."""
    now = scraped(api)
    return Figures({name: now[name] - before[name] for name in now if now[name] != before[name]})
