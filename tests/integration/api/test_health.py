"""Health, for whoever watches: no key, no secrets."""

import pytest

from tests.application import the_database
from tests.clients import Curl, InProcess


@pytest.mark.parametrize("path", ["/health/liveliness", "/health/liveness"])
def test_it_is_alive(curl, path):
    answer = curl().get(path)
    assert (answer.status, answer.json) == (200, "I'm alive!")


def test_it_is_ready(curl):
    answer = curl().get("/health/readiness")
    assert (answer.status, answer.json) == (200, {"status": "healthy", "db": "connected"})


@pytest.mark.parametrize("path", ["/health/liveliness", "/health/liveness", "/health/readiness"])
def test_it_asks_nobody_who_they_are_and_the_database_next_to_nothing(curl, queries, path):
    for token in (None, "sk-wrong"):
        with queries() as sent:
            assert curl(token).get(path).status == 200
        assert len(sent) == (1 if path.endswith("readiness") else 0)


def test_it_is_not_ready_before_its_database_has_tables(app_with):
    empty = app_with(database_url=the_database().another("empty", migrated=False))
    assert Curl(InProcess(empty)).get("/health/readiness").status == 503
    assert Curl(InProcess(empty)).get("/health/liveness").status == 200
