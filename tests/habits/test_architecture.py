"""Habits that nobody has to remember, because these tests do."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from config import Config

ROOT = Path(__file__).resolve().parents[2]
MODULES = [path for path in sorted((ROOT / "app").rglob("*.py")) if path.read_text().strip()]
FORBIDDEN_NAMES = re.compile(r"(^|_)(managers?|helpers?|utils?|handlers?|processors?|common|data|info|v2)$")
NESTING = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)
# Tests that stand for more than one module of the same name.
TESTED_TOGETHER = {
    "api": "over HTTP, by what a client sees",
    "schemas": "over HTTP, by what is accepted and answered",
    "services": "over HTTP, where they are no more than what a route does",
    "claude": "the simulator and the rules have tests of their own",
    "models": "by the services that use them",
}


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    return (one for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.FunctionDef))


def length(function: ast.FunctionDef) -> int:
    """Lines from `def` to the end, without the docstring."""
    end = function.end_lineno or function.lineno
    document = function.body[0]
    has_document = isinstance(document, ast.Expr) and isinstance(document.value, ast.Constant)
    skipped = (document.end_lineno or 0) - document.lineno + 1 if has_document else 0
    return end - function.lineno + 1 - skipped


def depth(node: ast.AST) -> int:
    inner = [depth(child) for child in ast.iter_child_nodes(node) if not isinstance(child, ast.FunctionDef)]
    return max(inner, default=0) + isinstance(node, NESTING)


def p90(values: list[int]) -> float:
    return statistics.quantiles(values, n=10)[-1]


def test_files_are_short() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in MODULES}
    assert statistics.median(lines.values()) <= 90
    assert p90(list(lines.values())) <= 250
    assert {name: count for name, count in lines.items() if count > 400} == {}


def test_functions_are_short_and_flat() -> None:
    found = {f"{path.relative_to(ROOT)}:{one.name}": one for path in MODULES for one in functions(path)}
    lengths = [length(one) for one in found.values()]
    assert statistics.median(lengths) <= 8
    assert p90(lengths) <= 25
    assert {name for name, one in found.items() if length(one) > 50} == set()
    assert p90([depth(one) for one in found.values()]) <= 2


def test_tests_are_as_much_as_the_code() -> None:
    def lines(folder: str) -> int:
        return sum(
            bool(line.strip())
            for path in ROOT.glob(f"{folder}/**/*.py")
            for line in path.read_text().split("\n")
        )

    assert 1 <= lines("tests") / lines("app") <= 2


def test_names_say_what_they_are() -> None:
    assert [path.stem for path in MODULES if FORBIDDEN_NAMES.search(path.stem)] == []


def test_every_module_opens_with_what_is_here() -> None:
    assert [path for path in MODULES if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_every_public_function_of_a_service_says_what_it_does() -> None:
    bare = [
        f"{path.stem}.{one.name}"
        for path in MODULES
        if path.parent.name == "services"
        for one in functions(path)
        if not one.name.startswith("_") and not ast.get_docstring(one)
    ]
    assert bare == []


def test_only_services_commit() -> None:
    committing = {path.parent.name for path in MODULES if re.search(r"\.commit\(\)", path.read_text())}
    assert committing == {"services"}


def test_only_config_reads_the_environment() -> None:
    assert [path.name for path in MODULES if "os.environ" in path.read_text()] == []


def test_only_the_edges_catch_everything() -> None:
    catching = [path.name for path in MODULES for _ in re.finditer(r"except Exception\b", path.read_text())]
    edges = ["dispatcher.py", "connections.py", "connections.py", "runner.py", "runner.py"]
    assert catching == edges, "a tool's, an MCP server's, a turn's, a loop's"


def test_nothing_is_left_to_do() -> None:
    left = [path.name for path in MODULES if re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text())]
    assert left == []


def test_readme_has_every_setting() -> None:
    readme = (ROOT / "README.md").read_text()
    for one in fields(Config):
        default = "" if one.default == "" else f"`{one.default}`"
        row = f"| `{one.metadata['env']}` | {default} | {one.metadata['says']} |"
        assert row in readme, f"README's table lacks: {row}"


def test_the_changelog_begins_with_this_version() -> None:
    assert "## 0.1.0" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("room", sorted(path.name for path in (ROOT / "app").iterdir() if path.is_dir()))
def test_tests_mirror_the_app(room: str) -> None:
    if room.startswith(("__", "templates")):
        return
    modules = {path.stem for path in (ROOT / "app" / room).glob("*.py") if path.stem != "__init__"}
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / room).glob("test_*.py")}
    assert tested, f"tests/{room} is empty"
    assert room in TESTED_TOGETHER or modules - tested <= {"values", "serve", "redaction"}, modules - tested
