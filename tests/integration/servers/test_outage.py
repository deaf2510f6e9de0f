"""The database is away: 503 in the dress of each face, never a guess; and when it is back, so are we."""

import pytest

from tests.application import MASTER_KEY, the_database
from tests.clients import Browser, Curl, OverHttp
from tests.integration.servers.test_workers import signed_in, somebody


@pytest.fixture
def away(a_database):
    """A database that nobody can open, until `the_database().bring_back(...)`."""
    the_database().take_away(a_database)
    return a_database


def test_it_starts_without_its_database_says_so_and_recovers_by_itself(serve, away):
    with serve(health=503) as server:
        door = Curl(OverHttp(server.url), MASTER_KEY)
        for path in ("/user/list", "/key/list", "/health/readiness"):
            answer = door.get(path)
            assert (answer.status, answer.error["type"]) == (503, "service_unavailable_error")
        assert door.post("/user/new", {"user_email": "dana@example.com"}).status == 503
        assert Curl(OverHttp(server.url), "sk-somebody-or-nobody-0123456789").get("/key/info").status == 503
        assert door.get("/health/liveliness").status == 200
        refused = Browser(OverHttp(server.url)).get("/ui/onboarding?id=00000000-0000-4000-8000-000000000000")
        assert refused.status == 503
        assert "Back in a moment" in refused.html.words()

        the_database().bring_back(away)
        assert door.get("/health/readiness").json == {"status": "healthy", "db": "connected"}
        assert door.post("/user/new", {"user_email": "dana@example.com"}, reveals=True).status == 200


def test_who_is_signed_in_gets_503_and_is_still_signed_in_afterwards(serve, a_database):
    with serve(SELFSERVE_WORKERS="1") as server:
        _user_id, key, email = somebody(server.url)
        page = signed_in(server.url, email)
    the_database().take_away(a_database)
    with serve(health=503, SELFSERVE_WORKERS="1") as server:
        there = Browser(OverHttp(server.url))
        there.transport.jar = page.transport.jar
        for path in ("/ui/keys", "/ui/account", "/ui/spend"):
            answer = there.get(path)
            assert answer.status == 503
            assert "request" in answer.html.words().lower()
        assert Curl(OverHttp(server.url), key).get("/key/list").status == 503
        the_database().bring_back(a_database)
        assert there.get("/ui/keys").status == 200
        assert Curl(OverHttp(server.url), key).get("/key/list").status == 200


def test_the_connections_are_cut_under_a_running_server(serve, a_database):
    """SQLite keeps what it has open, so there the server does not even notice."""
    with serve(SELFSERVE_WORKERS="1") as server:
        door = Curl(OverHttp(server.url), MASTER_KEY)
        assert door.get("/user/list").status == 200
        the_database().take_away(a_database)
        expected = {"sqlite": {200, 503}, "postgresql": {503}}[the_database().dialect]
        assert {door.get("/user/list").status for _ in range(4)} <= expected
        the_database().bring_back(a_database)
        assert {door.get("/user/list").status for _ in range(4)} == {200}
