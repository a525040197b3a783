"""Bars as an SVG file: groups of them side by side, readable on a light page and on a dark one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

COLOURS = ("#9aa0a6", "#d1495b", "#edae49", "#2a9d8f", "#457b9d", "#8d6a9f")
BAR, GAP, GROUP_GAP, LETTER = 22, 3, 26, 7
TOP, HEIGHT, LEFT, LINE = 34, 240, 46, 18
STYLE = "text{font:12px sans-serif;fill:#777}.title{font-size:14px;font-weight:bold}line{stroke:#7776}"


def svg(
    title: str,
    groups: Mapping[str, Sequence[float]],
    names: Sequence[str],
    labels: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """A drawing of one bar for each name in each group; 1 is the full height.

    `labels` are what stands above the bars, where that is not their height.
    """
    group_width = max(len(names) * (BAR + GAP), LETTER * max(map(len, groups), default=0)) + GROUP_GAP
    width = LEFT + len(groups) * group_width + GROUP_GAP
    height = TOP + HEIGHT + LINE * (len(names) + 3)
    parts = [_text(LEFT, 16, title, "title"), *_scale(width)]
    for at, (group, values) in enumerate(groups.items()):
        said = labels[group] if labels else [f"{value:.2f}".removeprefix("0") for value in values]
        parts += _group(LEFT + GROUP_GAP + at * group_width, group, values, said)
    parts += _legend(names)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">'
    return "\n".join(
        [head, f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", *parts, "</svg>", ""]
    )


def _scale(width: int) -> Iterator[str]:
    for tenths in range(0, 11, 2):
        y = TOP + HEIGHT * (10 - tenths) / 10
        yield f'<line x1="{LEFT}" y1="{y:g}" x2="{width}" y2="{y:g}"/>'
        yield _text(8, y + 4, f"{tenths / 10:.1f}")


def _group(x: float, name: str, values: Sequence[float], labels: Sequence[str]) -> Iterator[str]:
    for at, (value, label) in enumerate(zip(values, labels, strict=True)):
        left, tall = x + at * (BAR + GAP), HEIGHT * min(value, 1.0)
        colour = COLOURS[at % len(COLOURS)]
        yield (
            f'<rect x="{left:g}" y="{TOP + HEIGHT - tall:.1f}" width="{BAR}" height="{tall:.1f}" '
            f'fill="{colour}"><title>{escape(name)}: {escape(label)}</title></rect>'
        )
        yield _text(left, TOP + HEIGHT - tall - 4, label)
    yield _text(x, TOP + HEIGHT + LINE, name)


def _legend(names: Sequence[str]) -> Iterator[str]:
    for at, name in enumerate(names):
        y = TOP + HEIGHT + LINE * (at + 2.4)
        yield f'<rect x="{LEFT}" y="{y - 10:g}" width="12" height="12" fill="{COLOURS[at % len(COLOURS)]}"/>'
        yield _text(LEFT + 18, y, name)


def _text(x: float, y: float, said: str, style: str = "") -> str:
    kind = f' class="{style}"' if style else ""
    return f'<text x="{x:g}" y="{y:g}"{kind}>{escape(said)}</text>'
