"""Servers of their own for what only a running process shows: its log, its cookies over the wire."""

import itertools

import pytest

from tests.application import the_database
from tests.servers import running

numbers = itertools.count(1)


@pytest.fixture
def a_database(app):
    """Make one more migrated database and give its address."""
    return the_database().another(f"security{next(numbers)}")


@pytest.fixture
def serve(a_database, tmp_path):
    """Start a server on that database."""

    def start(kind="gunicorn", **environment):
        return running(kind, **{"database_url": a_database, "folder": tmp_path, **environment})

    return start
