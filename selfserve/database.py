"""Transactions, types and upserts: the only file that knows which database it is."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any, TypeVar, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Engine,
    Index,
    Integer,
    Row,
    Select,
    Table,
    UniqueConstraint,
    and_,
    event,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect, make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from selfserve.config import Settings
from selfserve.errors import DomainError, Unavailable
from selfserve.extensions import Base, db

Model = TypeVar("Model", bound=Base)
BUSY_SECONDS = 10
_LOOK_AGAIN = 0.0002
_sqlite_writes = threading.Lock()

RowNumber = BigInteger().with_variant(Integer, "sqlite")
"""A growing row number: SQLite counts up by itself only for INTEGER."""


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, timezone-aware in Python on both databases; SQLite keeps it as UTC without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What a value is in Python."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Write UTC; a naive time is a mistake of ours."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime")
        return value.astimezone(UTC).replace(tzinfo=None) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@contextmanager
def transaction(*, durable: bool = True) -> Iterator[None]:
    """Open the one transaction of a write, commit at its end, roll back on any error.

    SQLite takes its write lock at once (BEGIN IMMEDIATE), so a transaction that reads first cannot fail later; writes
    of one process queue here. `durable=False` skips the wait for the disk. What was read before is let go of, so that
    nothing stale is written back. It does not nest.
    """
    session = db.session()
    if session.info.get("writes"):
        raise RuntimeError("transactions do not nest")
    session.close()
    is_sqlite = db.engine.dialect.name == "sqlite"
    if is_sqlite and not _sqlite_writes.acquire(timeout=BUSY_SECONDS):
        raise Unavailable("The database is busy. Nothing was changed; try again.")
    session.info["writes"] = True
    try:
        connection = session.connection(execution_options={"writes": True, "durable": durable})
        if not is_sqlite and not durable:
            connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["writes"] = False
        if is_sqlite:
            _sqlite_writes.release()


def ask_once(query: Select[Any], values: dict[str, Any]) -> Row[Any] | None:
    """Ask for one row outside of any session and transaction: half the price, and no round trip to begin and end."""
    with db.engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        options: dict[str, Any] = {"is_alone": True} if is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        return connection.execution_options(**options).execute(query, values).one_or_none()


def unwritable(model: type[Model], values: dict[str, Any]) -> Model:
    """Make the object of a row that no session knows: to read what was not read raises, and so does a write."""
    thing = object.__new__(model)
    thing.__dict__.update(values)
    return thing


def end_read() -> None:
    """Close the read that answered who is asking; what was read stays usable."""
    if db.session.registry.has():
        db.session.close()


def begin_snapshot() -> None:
    """Begin a read whose statements all see one and the same moment, so that its sums agree; SQLite's always do."""
    db.session.close()
    if db.engine.dialect.name != "sqlite":
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def insert(model: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Begin an INSERT that may say ON CONFLICT, in the dialect of this database."""
    return sqlite.insert(model) if db.engine.dialect.name == "sqlite" else postgresql.insert(model)


def table_of(model: type[Base]) -> Table:
    """Give the table of a model, for a statement that makes no objects."""
    return cast("Table", model.__table__)


def engine_options(settings: Settings) -> dict[str, Any]:
    """Size the pool: as many connections as threads on SQLite, `SELFSERVE_DB_POOL` on PostgreSQL, no overflow."""
    if make_url(settings.resolved_database_url).get_backend_name() == "sqlite":
        return {
            "pool_size": settings.selfserve_threads,
            "max_overflow": 0,
            "pool_timeout": BUSY_SECONDS,
            "connect_args": {"timeout": BUSY_SECONDS},
        }
    return {
        "pool_size": settings.selfserve_db_pool,
        "max_overflow": 0,
        "pool_timeout": 2,
        "pool_pre_ping": True,
        "connect_args": {
            "connect_timeout": 3,
            "options": "-c statement_timeout=15000 -c lock_timeout=10000 -c timezone=UTC",
        },
    }


def prepare(engine: Engine) -> None:
    """Teach an SQLite engine our transactions; PostgreSQL needs nothing."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _connect_sqlite)
        event.listen(engine, "begin", _begin_sqlite)


def _connect_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    """Leave BEGIN to us, keep a write-ahead log, mind foreign keys."""
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")


def _begin_sqlite(connection: Connection) -> None:
    """Begin as a reader or as the writer; how hard a commit waits for the disk is set before, never inside."""
    options = connection.get_execution_options()
    if options.get("is_alone"):
        return
    if not options.get("writes"):
        connection.exec_driver_sql("BEGIN")
        return
    is_durable = options.get("durable", True)
    if connection.info.get("durable") != is_durable:
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if is_durable else 'NORMAL'}")
        connection.info["durable"] = is_durable
    _begin_writing(connection)


def _begin_writing(connection: Connection) -> None:
    """Begin as the writer when no other process is: look often whether it is done.

    SQLite's own patience looks less and less often, up to ten times a second, and misses the gaps of a busy process.
    """
    raw: Any = connection.connection.dbapi_connection
    end = monotonic() + BUSY_SECONDS
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while _is_busy(raw) and monotonic() < end:
            sleep(_LOOK_AGAIN)
        if not raw.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        raw.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")


def _is_busy(raw: Any) -> bool:
    """Try to begin as the writer; tell whether another process is it. What else is wrong is for SQLAlchemy to say."""
    try:
        raw.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    return False


def gather_statistics() -> None:
    """Let SQLite look at what its indexes hold, which takes a moment: it searches better by it.

    PostgreSQL does so by itself. https://www.sqlite.org/lang_analyze.html#approx
    """
    if db.engine.dialect.name == "sqlite":
        with transaction(durable=False):
            for statement in ("PRAGMA analysis_limit=400", "ANALYZE"):
                db.session.connection().exec_driver_sql(statement)


@contextmanager
def conflicts(named: Mapping[str, DomainError]) -> Iterator[None]:
    """Turn the violation of a named unique constraint into the error that stands for it.

    Uniqueness is the database's business, so that it holds under parallel requests; anything else is raised as it is.
    """
    try:
        yield
        db.session.flush()
    except IntegrityError as error:
        for name, conflict in named.items():
            if _violates(error, name):
                raise conflict from None
        raise


def _violates(error: IntegrityError, constraint: str) -> bool:
    """Tell whether the error is about this constraint: PostgreSQL names it, SQLite lists its columns."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return bool(diagnosis.constraint_name == constraint)
    return str(error.orig).endswith(f": {_columns_of(constraint)}")


def _columns_of(constraint: str) -> str:
    """List the columns of a unique index or constraint as SQLite does."""
    for table in db.metadata.tables.values():
        named: list[Index | UniqueConstraint] = list(table.indexes)
        named += [one for one in table.constraints if isinstance(one, UniqueConstraint)]
        for unique in named:
            if unique.name == constraint:
                return ", ".join(f"{table.name}.{column.name}" for column in unique.columns)
    raise LookupError(constraint)


def only_where(condition: str) -> dict[str, Any]:
    """Say which rows an index holds, in the words of both databases: SQLite writes 1 and 0 for true and false."""
    in_sqlite = condition.replace("IS true", "IS 1").replace("IS false", "IS 0")
    return {"sqlite_where": text(in_sqlite), "postgresql_where": text(condition)}


def living(condition: str = "") -> dict[str, Any]:
    """Let an index hold the rows that are not deleted, and only those of a condition.

    An index that begins with the column would do for SQLite; PostgreSQL does not see that it is in order behind a NULL.
    """
    return only_where(f"deleted_at IS NULL AND {condition}" if condition else "deleted_at IS NULL")


def starts_with(column: Any, prefix: str) -> ColumnElement[bool]:
    """Compare with a prefix in a way that an index answers; `%` and `_` are ordinary letters (S-32)."""
    if db.engine.dialect.name == "sqlite":
        return and_(column >= prefix, column < prefix + "\U0010ffff")
    return cast("ColumnElement[bool]", column.startswith(prefix, autoescape=True))
