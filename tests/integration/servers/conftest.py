"""Servers of their own, each on a database of its own."""

import itertools

import pytest

from tests.application import the_database
from tests.servers import running

numbers = itertools.count(1)


@pytest.fixture
def a_database(app):
    """Make one more migrated database and give its address."""
    return the_database().another(f"server{next(numbers)}")


@pytest.fixture
def serve(a_database, tmp_path):
    """Start servers on that database: `serve("waitress")`."""

    def start(kind="gunicorn", **environment):
        return running(kind, **{"database_url": a_database, "folder": tmp_path, **environment})

    return start
