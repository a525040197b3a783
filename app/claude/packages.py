"""The `anthropic` package without what nobody asks of it: its `__init__`s import 3,000 modules of types.

Those that only hand on names of their modules are not run: a name is found by reading the `__init__` as text,
and its module is imported when the name is asked for. Where that finds nothing, the `__init__` is run.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

ROOT = "anthropic"
HANDING_ON = re.compile(
    r"anthropic(\.lib|\.types(\.\w+)*|\.resources(\.\w+)*|\.lib\.(streaming|credentials))?"
)
IMPORT = re.compile(r"^from (\.[.\w]*) import (?:\(([^)]*)\)|([^\n(]+)$)", re.MULTILINE)
HANDED = re.compile(r"(\w+)(?:\s+as\s+(\w+))?")
COMMENT = re.compile(r"#.*")
ALL = "__all__"


def spare() -> None:
    """Have the package imported in this way from now on, unless somebody has imported it already."""
    if ROOT not in sys.modules:
        sys.meta_path.insert(0, Sparing())


class Sparing(MetaPathFinder):
    """Finds the packages that hand names on."""

    def find_spec(self, name: str, path: Sequence[str] | None, _target: object = None) -> ModuleSpec | None:
        """How to import it; None for all other modules, which the next finder finds."""
        if not HANDING_ON.fullmatch(name):
            return None
        spec = PathFinder.find_spec(name, path)
        if spec and spec.submodule_search_locations and isinstance(spec.loader, InspectLoader):
            spec.loader = Reader(spec.loader)
        return spec


class Reader(Loader):
    """Makes a package that is not run yet."""

    def __init__(self, runner: InspectLoader) -> None:
        self.runner = runner

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The package, with the names that it will have."""
        source = self.runner.get_source(spec.name)
        return Package(spec.name, dict(handed_on(source or "")), self.runner)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing yet."""


class Package(ModuleType):
    """A package whose names are found when they are asked for."""

    def __init__(self, name: str, names: Mapping[str, tuple[str, str]], runner: InspectLoader) -> None:
        super().__init__(name)
        self._names, self._runner = names, runner

    def __getattr__(self, name: str) -> Any:
        """A name that it does not have yet."""
        if name in self._names:
            self.__dict__[name] = self._imported(*self._names[name])
        elif name == ALL or not (name.startswith("__") or self._has_module(name)):
            self._run()
        if name in self.__dict__:
            return self.__dict__[name]
        raise AttributeError(f"{self.__name__} has no {name}", name=name, obj=self)

    def _imported(self, module: str, name: str) -> Any:
        if module.strip("."):
            return getattr(import_module(module, self.__name__), name)
        return import_module(f"{module}{name}", self.__name__)

    def _has_module(self, name: str) -> bool:
        """Whether a module of it has this name; it is imported then."""
        with suppress(ModuleNotFoundError):
            self.__dict__[name] = import_module(f".{name}", self.__name__)
        return name in self.__dict__

    def _run(self) -> None:
        self._names = {}
        self._runner.exec_module(self)


def handed_on(source: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """What the text of an `__init__` hands on: a name, whose module it is of, and its name there."""
    for one in IMPORT.finditer(source):
        for name in HANDED.finditer(COMMENT.sub("", one[2] or one[3])):
            yield name[2] or name[1], (one[1], name[1])
