"""`flask db`, which only the command line imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from alembic.script import ScriptDirectory

from app.extensions import MIGRATIONS, known_revisions, newest_revision
from tests.servers import ROOT


def flask(*arguments: str, database: Path) -> str:
    command = [sys.executable, "-m", "flask", *arguments]
    environ = {"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{database}"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    return done.stdout


def test_a_database_is_migrated_from_the_command_line(tmp_path: Path) -> None:
    flask("db", "upgrade", database=tmp_path / "new.db")
    assert newest_revision() in flask("db", "current", database=tmp_path / "new.db")


def test_the_revisions_are_those_that_the_files_are_named_after() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert known_revisions() == {one.revision for one in script.walk_revisions()}
    assert newest_revision() == script.get_current_head()
