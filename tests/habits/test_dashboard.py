"""docs/grafana.json asks for figures that there are, by labels that they have."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.telemetry.metrics import REGISTRY

DOCS = Path(__file__).resolve().parents[2] / "docs"
DASHBOARD: dict[str, Any] = json.loads((DOCS / "grafana.json").read_text())
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
ENDINGS = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
PROMETHEUS_OWN = {"instance", "le"}
PROMTOOL = shutil.which("promtool")


def names() -> set[str]:
    return {f"{one.name}{ending}" for one in REGISTRY.collect() for ending in ENDINGS[one.type]}


def labels() -> dict[str, set[str]]:
    """The labels of each figure, by its name without an ending."""
    return {one._name: set(one._labelnames) for one in REGISTRY._collector_to_names}  # type: ignore[attr-defined]


def test_every_figure_that_it_shows_is_there_and_every_figure_is_shown() -> None:
    asked = {name for one in EXPRESSIONS for name in re.findall(r"colloquy_\w+", one)}
    assert asked - names() == set()
    shown = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in asked}
    assert {one.name for one in REGISTRY.collect()} - shown == set()


def test_every_label_that_it_asks_for_is_there() -> None:
    for expression in EXPRESSIONS:
        families = {re.sub(r"_(total|bucket)$", "", one) for one in re.findall(r"colloquy_\w+", expression)}
        known = PROMETHEUS_OWN.union(*(labels()[one] for one in families))
        grouped = re.findall(r"by \(([\w, ]+)\)", expression)
        matched = re.findall(r"(\w+)(?:=~|!=|=)\"", expression)
        assert {*matched, *(name for one in grouped for name in one.split(", "))} <= known, expression


def test_it_takes_whatever_prometheus_there_is() -> None:
    variables = {one["name"]: one["type"] for one in DASHBOARD["templating"]["list"]}
    assert variables["datasource"] == "datasource"
    sources = {str(panel["datasource"]["uid"]) for panel in DASHBOARD["panels"]}
    assert sources == {"${datasource}"}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_prometheus_understands_every_expression(tmp_path: Path) -> None:
    given = [re.sub(r"\$__rate_interval", "5m", one).replace("$instance", ".*") for one in EXPRESSIONS]
    rules = [{"record": f"shown:{number}", "expr": one} for number, one in enumerate(given)]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "shown", "rules": rules}]}))
    done = subprocess.run(
        [str(PROMTOOL), "check", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
