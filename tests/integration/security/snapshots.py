"""What stands in the database, to compare before and after."""

from contextlib import contextmanager

from sqlalchemy import create_engine, select

from selfserve.extensions import db
from tests.application import the_database

SEEN = {("api_keys", name) for name in ("last_used_at", "secret_used_at", "last_address", "last_agent")}
SEEN |= {("sessions", "last_seen_at")}
"""That somebody was there is noted once a minute, also by reading."""


def dump(url: str | None = None) -> dict[str, list[str]]:
    """Write out every column of every row of every table."""
    engine = create_engine(url or the_database().url)
    try:
        with engine.connect() as connection:
            return {
                table.name: sorted(
                    repr([(name, value) for name, value in row.items() if (table.name, name) not in SEEN])
                    for row in connection.execute(select(table)).mappings()
                )
                for table in db.metadata.sorted_tables
            }
    finally:
        engine.dispose()


@contextmanager
def unchanged(*but: str):
    """Assert that nothing in the database changes, leaving out the tables that are named."""
    before = dump()
    yield
    after = dump()
    assert {name: rows for name, rows in after.items() if name not in but} == {
        name: rows for name, rows in before.items() if name not in but
    }
