"""Counting what is asked of the database."""

from contextlib import contextmanager

from sqlalchemy import event

from selfserve.extensions import db

UNCOUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SET ", "SAVEPOINT", "RELEASE")


@contextmanager
def count_queries(app):
    """Collect the statements that really ask or tell something."""
    sent = []

    def note(_connection, _cursor, statement, *_rest):
        if not statement.lstrip().upper().startswith(UNCOUNTED):
            sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
