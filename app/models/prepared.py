"""Statements that are compiled once, and then run as the driver's own SQL: sends run dozens of them.

SQLAlchemy looks a statement up, and builds much around it, each time it is executed; that took half of a
send (docs/decisions/0029). Errors, listeners and the types of columns are as they are otherwise.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.orm import Session

Values = Mapping[str, Any]
Convert = Callable[[Any], Any]
Place = Session | Connection
CONNECTION, DRIVER = "connection", "driver"  # what a session says of itself


class Prepared:
    """A statement without the ORM. Its `values` are parameters and, where it writes, columns by name.

    `row_of` makes a row of its fields; by default it is a tuple, its fields named as the columns are.
    """

    def __init__(self, statement: Any, row_of: Convert | None = None) -> None:
        self._statement = statement
        self._row_of = row_of
        self._made: dict[tuple[str, ...], _Compiled] = {}  # by the dialect's name and the names of values

    def run(self, on: Place, values: Values) -> None:
        """Run it for what it does."""
        driver = _driver(on)
        made = self._compiled(driver, values)
        driver.run(made.sql, made.parameters(values))

    def run_for_all(self, on: Place, rows: Sequence[Values]) -> None:
        """Run it for each of these, which have the same names."""
        if rows:
            driver = _driver(on)
            made = self._compiled(driver, rows[0])
            parameters = [made.parameters(one) for one in rows]
            driver.run(made.sql, parameters if len(rows) > 1 else parameters[0])

    def rows(self, on: Place, values: Values) -> list[Any]:
        """The rows that it finds or returns."""
        driver = _driver(on)
        made = self._compiled(driver, values)
        return made.rows(driver.run(made.sql, made.parameters(values), finds=True))

    def row(self, on: Place, values: Values) -> Any:
        """The first row; None where there is none."""
        return next(iter(self.rows(on, values)), None)

    def value(self, on: Place, values: Values) -> Any:
        """The first field of the first row; None where there is none."""
        row = self.row(on, values)
        return row[0] if row else None

    def _compiled(self, driver: _Driver, values: Values) -> _Compiled:
        key = driver.dialect.name, *values
        if key not in self._made:
            self._made[key] = _Compiled(self._statement, self._row_of, driver.dialect, list(values))
        return self._made[key]


class _Compiled:
    """A statement in the SQL of a database, for parameters of certain names."""

    def __init__(self, statement: Any, row_of: Convert | None, dialect: Dialect, names: list[str]) -> None:
        made: Any = statement.compile(dialect=dialect, column_keys=names)
        converters: Mapping[str, Convert] = made._bind_processors
        order: Sequence[str] = made.positiontup if made.positional else list(made.bind_names.values())
        self.sql = str(made)
        self._is_positional = bool(made.positional)
        self._binds = [(name, converters.get(name)) for name in order]
        self._given = made.construct_params(_check=False)
        prefetched = (*made.insert_prefetch, *made.update_prefetch)
        self._defaults = {column.key: _default_of(column) for column in prefetched}
        columns = made._result_columns
        self._row_of = row_of or _row_with([one.keyname for one in columns])
        found = [(at, one.type._cached_result_processor(dialect, None)) for at, one in enumerate(columns)]
        self._converted = [(at, convert) for at, convert in found if convert]

    def parameters(self, values: Values) -> Any:
        """What the driver is given."""
        known = {**self._given, **values}
        for name, make in self._defaults.items():
            known[name] = make()
        pairs = [(name, convert(known[name]) if convert else known[name]) for name, convert in self._binds]
        return tuple([value for _, value in pairs]) if self._is_positional else dict(pairs)

    def rows(self, found: Sequence[Any]) -> list[Any]:
        """The driver's rows in the types of their columns."""
        rows = []
        for one in found:
            row = list(one)
            for at, convert in self._converted:
                row[at] = convert(row[at])
            rows.append(self._row_of(row))
        return rows


class _Driver:
    """What runs the SQL of one transaction. Where somebody listens to statements, SQLAlchemy runs them."""

    def __init__(self, connection: Connection) -> None:
        self.dialect = connection.dialect
        self._connection: Any = connection  # for what SQLAlchemy does not tell types of
        listeners = self._connection.engine.dispatch
        self._is_heard = bool(listeners.before_cursor_execute or listeners.after_cursor_execute)
        fairy: Any = connection.connection
        self._cursor = fairy.dbapi_connection.cursor
        self._error = connection.dialect.loaded_dbapi.Error

    def run(self, sql: str, parameters: Any, *, finds: bool = False) -> Sequence[Any]:
        """Run it, once or for each of a list; what it finds or returns, as the driver gives it."""
        if self._is_heard:
            done = self._connection.exec_driver_sql(sql, parameters)
            return done.fetchall() if finds else ()
        cursor = self._cursor()
        try:
            (cursor.executemany if isinstance(parameters, list) else cursor.execute)(sql, parameters)
            return cursor.fetchall() if finds else ()
        except self._error as error:
            self._connection._handle_dbapi_exception(error, sql, parameters, cursor, None)
            raise
        finally:
            cursor.close()


def _driver(on: Place) -> _Driver:
    """That of a connection, or of a session, which lasts as long as its transaction."""
    if isinstance(on, Connection):
        return _Driver(on)
    made: _Driver = on.info.get(DRIVER) or on.info.setdefault(
        DRIVER, _Driver(on.info.get(CONNECTION) or on.connection())
    )
    return made


def _row_with(names: Sequence[str]) -> Callable[[Sequence[Any]], Any]:
    row = namedtuple("Row", names)  # type: ignore[misc]
    return row._make


def _default_of(column: Any) -> Callable[[], Any]:
    default = column.default if column.default is not None else column.onupdate
    return (lambda: default.arg(None)) if default.is_callable else (lambda: default.arg)
