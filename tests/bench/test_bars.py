"""The drawing is an SVG with a bar for each figure."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from bench.bars import HEIGHT, svg

SVG = "{http://www.w3.org/2000/svg}"


def test_each_figure_is_a_bar_of_its_height() -> None:
    drawing = svg("Costs & more", {"all": [1.0, 0.25], "slow": [0.5, 3.0]}, ["naive", "<ours>"])
    root = ET.fromstring(drawing)  # noqa: S314 - our own drawing
    bars = [one for one in root.iter(f"{SVG}rect") if one.get("width") != "12"]
    assert [float(bar.get("height", 0)) / HEIGHT for bar in bars] == [1.0, 0.25, 0.5, 1.0]
    assert {"naive", "<ours>", "all", "slow", "Costs & more"} <= {one.text for one in root.iter(f"{SVG}text")}
