"""A house of the previous milestone moves in whole, can go back, and never meets a version that does not know it."""

from contextlib import contextmanager

import flask_migrate
import pytest
from sqlalchemy import create_engine, text

from selfserve import create_app
from selfserve.clock import now
from selfserve.extensions import db
from selfserve.schemas.spend import CallRecord
from selfserve.services import spend
from tests.application import MASTER_KEY, SECRET_KEY, the_settings
from tests.clients import Browser, Curl, InProcess
from tests.databases import MIGRATIONS
from tests.factories import PASSWORD
from tests.integration.security.replays import forge, replay
from tests.integration.start.first_milestone import (
    BLOCKED,
    CHILD,
    CUSTOM,
    DELETED,
    EXPIRED,
    LAPTOP,
    OTTOS,
    REVISION,
    SPENT,
    STOPPED,
    House,
    move_in,
)

SECRETS = {"LITELLM_MASTER_KEY": MASTER_KEY, "SELFSERVE_SECRET_KEY": SECRET_KEY}


@contextmanager
def connected(url):
    """Look at a database from outside."""
    engine = create_engine(the_settings(database_url=url).resolved_database_url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


@contextmanager
def opened(url):
    """Run the application of today on a database."""
    app = create_app(the_settings(database_url=url))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def house(database) -> House:
    """The house of the first milestone, in revision 0001."""
    with opened(database) as app, app.app_context():
        flask_migrate.upgrade(directory=str(MIGRATIONS), revision=REVISION)
    with connected(database) as connection:
        return move_in(connection)


@pytest.fixture
def contents(house, database):
    """Read what the first milestone knows: `contents()`."""

    def read():
        with connected(database) as connection:
            return house.contents(connection)

    return read


def flask(setup, *words):
    """Run a command of `flask db` on the database."""
    return setup("--app", "wsgi", "db", *words, module="flask", **SECRETS)


def test_the_house_has_something_in_every_column(contents):
    """The instrument: a column that nobody fills would prove nothing about what becomes of it."""
    for name, found in contents().items():
        assert found, name
        assert [column for column in found[0] if all(row[column] in (None, [], {}) for row in found)] == [], name


def test_it_moves_in_whole_lives_here_goes_back_and_comes_again(setup, database, house, contents):
    before = contents()
    started = setup(**SECRETS)
    assert (started.returncode, started.stderr) == (0, "")
    assert "/ui/onboarding?id=" not in started.stdout  # somebody is there already, so no first link
    assert contents() == before
    with opened(database) as app:
        live(app, house)
    lived_in = contents()
    assert {name for name in before if before[name] != lived_in[name]} == {
        "users", "api_keys", "invitations", "sessions", "calls", "daily_spend", "audit_events", "tallies", "throttles",
    }  # fmt: skip
    assert flask(setup, "downgrade", REVISION).returncode == 0
    assert contents() == lived_in
    assert setup(**SECRETS).returncode == 0
    assert contents() == lived_in
    with opened(database) as app:
        assert Curl(InProcess(app), house.secrets[LAPTOP]).get("/key/info").status == 200


def live(app, house):
    """Do as its people would on the first day: every secret of before opens what it opened, and nothing else does."""
    look_at_keys(app, house)
    sign_in_and_look(app, house)
    make_and_spend(app, house)
    assert Curl(InProcess(app), MASTER_KEY).get("/user/list").json["total"] == 7


def look_at_keys(app, house):
    """Use every key of before."""
    statuses = {
        LAPTOP: 200, CHILD: 200, CUSTOM: 200, OTTOS: 200, SPENT: 200,
        BLOCKED: 401, STOPPED: 401, EXPIRED: 401, DELETED: 401,
    }  # fmt: skip
    for key, status in statuses.items():
        assert Curl(InProcess(app), house.secrets[key]).get("/key/info").status == status, key
    info = Curl(InProcess(app), house.secrets[LAPTOP]).get("/key/info").json["info"]
    assert (info["key_alias"], info["spend"], info["total_spend"]) == ("Laptop Ærø", 1.23456789, 9.87654321)
    assert (info["models"], info["metadata"]) == (["gpt-5-mini"], {"why": "the ‘old’ laptop"})
    lifted = Curl(InProcess(app), house.secrets[OTTOS]).post("/key/unblock", {"key": BLOCKED})
    assert lifted.status == 404


def sign_in_and_look(app, house):
    """Come back with the old cookie, sign in with the old password, use the old link."""
    assert replay(app, forge(app, _user_id=house.secrets["session"])).get("/ui/keys").status == 200
    assert replay(app, forge(app, _user_id=house.secrets["old session"])).get("/ui/keys").status == 303
    for who in ("ada", "vera", "mia", "otto", "ivo"):
        page = Browser(InProcess(app))
        page.get("/ui/login")
        assert page.submit("/ui/login", username=f"{who}@example.com", password=PASSWORD).status == 303, who
        for path in ("/ui/keys", "/ui/spend", "/ui/account"):
            assert page.get(path).status == 200
        assert page.get("/ui/users").status == (200 if who in ("ada", "vera") else 403)
    ina = Browser(InProcess(app))
    ina.follow(ina.get(f"/ui/onboarding?id={house.secrets['open']}"))
    assert ina.follow(ina.submit("/ui/onboarding", password="seven quiet foxes at noon")).status == 200
    for name in ("accepted", "replaced", "deleted"):
        assert Browser(InProcess(app)).get(f"/ui/onboarding?id={house.secrets[name]}").status == 410


def make_and_spend(app, house):
    """Make a key, change one, delete one, and record a call with the laptop's."""
    mia = Curl(InProcess(app), house.secrets[LAPTOP])
    small = {"models": ["gpt-5-mini"], "max_budget": 1, "tpm_limit": 1, "rpm_limit": 1, "max_parallel_requests": 1}
    assert mia.post("/key/generate", {"key_alias": "small", "duration": "1d", **small}, reveals=True).status == 200
    ada = Curl(InProcess(app), house.secrets[CUSTOM])
    assert ada.post("/key/generate", {"key_alias": "of today", "user_id": "mia"}, reveals=True).status == 200
    assert ada.post("/key/unblock", {"key": BLOCKED}).status == 200
    assert ada.post("/key/delete", {"keys": [EXPIRED]}).status == 200
    call = {"request_id": "of-today", "key_id": LAPTOP, "model": "gpt-5-mini", "started_at": now(), "cost": 5}
    with app.app_context():
        spend.record_calls([CallRecord(**call, prompt_tokens=1, completion_tokens=2)])
    assert mia.get("/key/info").json["info"]["total_spend"] == 9.876543215


def test_a_server_of_today_on_an_old_database_says_that_it_is_not_ready(database, house):
    """Somebody forgot the set-up: 503 on both faces, and nothing is guessed."""
    with opened(database) as app:
        assert Curl(InProcess(app), house.secrets[LAPTOP]).get("/key/info").status == 503
        assert replay(app, forge(app, _user_id=house.secrets["session"])).get("/ui/keys").status == 503


def test_a_database_of_tomorrow_is_refused_in_a_sentence_and_not_touched(setup, database, house, contents):
    assert setup(**SECRETS).returncode == 0
    with connected(database) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    before = contents()
    refused = setup(**SECRETS)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "revision 9999" in refused.stderr
    assert "a newer Selfserve" in refused.stderr
    assert "Traceback" not in refused.stderr
    for words in (("upgrade",), ("downgrade", REVISION)):
        by_hand = flask(setup, *words)
        assert (by_hand.returncode, "a newer Selfserve" in by_hand.stderr) == (1, True)
    assert contents() == before
    with connected(database) as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
