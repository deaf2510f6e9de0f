"""Somebody else writes: another process, which knows nothing of ours. A write waits for its end, and not for ever."""

import threading
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from selfserve import database
from selfserve.database import transaction
from selfserve.extensions import db
from tests.application import the_database
from tests.factories import change, reload


@contextmanager
def another_writer(user):
    """Write as another process does, and be slow about it: until `done()`."""
    engine = create_engine(the_database().url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.execute(text("UPDATE users SET alias = 'theirs' WHERE id = :id"), {"id": user.id})
        yield connection.commit
    engine.dispose()


def test_a_write_waits_until_another_process_has_written(mia):
    with another_writer(mia) as done:
        threading.Timer(0.1, done).start()
        change(mia, email="new@example.com")
    assert (reload(mia).alias, reload(mia).email) == ("theirs", "new@example.com")


def test_a_write_that_waited_too_long_fails_and_the_next_one_waits_again(mia, monkeypatch):
    """PostgreSQL minds the time by itself (`lock_timeout`)."""
    if the_database().dialect != "sqlite":
        return
    with another_writer(mia) as done:
        monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
        with pytest.raises(OperationalError, match="database is locked"), transaction():
            pass
        monkeypatch.undo()
        threading.Timer(0.1, done).start()
        with transaction():
            assert db.session.connection().exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000
    assert reload(mia).alias == "theirs"
