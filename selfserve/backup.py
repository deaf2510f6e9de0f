"""A copy of the embedded database while the server goes on writing; PostgreSQL has `pg_dump`."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path


def copy_database(source: Path, target: Path) -> None:
    """Copy an SQLite database as it stands at one moment into a new file, and check the copy.

    Raises FileExistsError rather than overwrite, OSError or sqlite3.Error when it cannot be done; nothing half is left.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as here,
            closing(sqlite3.connect(target)) as there,
        ):
            here.backup(there)
            (verdict,) = there.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(f"the database is damaged: {verdict}")
    except BaseException:
        target.unlink()
        raise
