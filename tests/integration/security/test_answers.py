"""What strangers learn, and everybody when something goes wrong: nothing about the inside (S-16, S-40, S-44)."""

import json
import re

import pytest

from selfserve.web.guards import PUBLIC
from tests.application import MASTER_KEY, SECRET_KEY, the_database
from tests.clients import Browser, Curl, InProcess
from tests.factories import make_key
from tests.integration.security.replays import Thief, serializer
from tests.integration.security.walks import GUARDED, ROUTES

NOBODY = "00000000-0000-4000-8000-000000000000"

TELLING = ("sqlalchemy", "sqlite", "postgres", "psycopg", "werkzeug", "flask", "python", "traceback", "gunicorn/",
           "selfserve.db", "api_keys", "audit_events", "site-packages")  # fmt: skip


WRONG = {
    "as it is": {},
    "a query": {"query": "page=0&size=x&q=%00&after=%ff&sort_by='&role=x&days=x&status=x"},
    "a key": {"headers": {"Authorization": "Bearer sk-nobody-0123456789", "Cookie": "selfserve_session=x"}},
    "a strange key": {"headers": {"Authorization": "Basic \u00e4:\u00f6", "x-litellm-api-key": "x" * 5000}},
    "a body": {"body": b"{[", "headers": {"Content-Type": "application/json"}},
    "a form": {"body": b"%ff=%00&csrf_token=x", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    "no method": {"method": "PROPFIND"},
}
INTENDED = {"/docs", "/openapi.json"}
"""Described for everybody: they name programs to call with, and hold no data of this installation (S-26)."""


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_strangers_learn_nothing_about_the_inside_at_any_address(app, wrong):
    """S-16: health, sign-in, 4xx of every route: no version, no table, no path, no setting."""
    for route in ROUTES:
        path = re.sub("<.*?>", "x", route.rule) + "?" + wrong.get("query", "")
        method = wrong.get("method", route.method)
        answer = Thief(app).send(method, path, wrong.get("headers", {}), wrong.get("body"))
        told = (answer.text + str(answer.headers)).lower()
        assert answer.status < 500, route
        if route.rule not in INTENDED:
            assert not [word for word in TELLING if word in told], route
        assert not [secret for secret in (MASTER_KEY, SECRET_KEY, the_database().url) if secret.lower() in told], route


@pytest.mark.parametrize("path", ["/ui/nothing", "/nothing", "/ui/static/x/y.css", "/ui/static/../config.py", "/%00"])
def test_nor_where_there_is_nothing(app, path):
    """S-16: a 404 says so and no more."""
    answer = Thief(app).send("GET", path, {}, None)
    told = (answer.text + str(answer.headers)).lower()
    assert (answer.status, [word for word in TELLING if word in told]) == (404, [])


def test_with_the_database_away_it_fails_closed_and_tells_nothing(app_with, mia):
    """S-16, S-44: 503 on both faces, also for who holds a valid cookie or the master key; never 200, never 401."""
    away = app_with(database_url="postgresql://someone:hushed@127.0.0.1:1/nowhere")
    master, page = Curl(InProcess(away), MASTER_KEY), Browser(InProcess(away))
    page.get("/ui/login")
    signed_in = Browser(InProcess(away))
    signed_in.transport.client.set_cookie("selfserve_session", forged(away), domain="localhost")
    answers = [
        master.get("/user/list"),
        master.post("/key/generate", {}),
        Curl(InProcess(away), make_key(mia).secret).get("/key/info"),
        Curl(InProcess(away)).post("/v2/login", {"username": mia.email, "password": "x"}),
        Curl(InProcess(away)).get("/health/readiness"),
        Curl(InProcess(away)).get("/onboarding/get_token", invite_link="x"),
        signed_in.get("/ui/keys"),
        page.post("/ui/login", {"username": mia.email, "password": "x"}),
        page.get("/ui/onboarding?id=x"),
    ]
    assert {answer.status for answer in answers} == {503}
    for answer in answers:
        told = answer.text.lower()
        assert not [word for word in (*TELLING, "hushed", "nowhere", "127.0.0.1:1") if word in told]
    assert Curl(InProcess(away)).get("/health/liveness").status == 200


def forged(app):
    """Sign a cookie as if somebody were signed in."""
    return serializer(app).dumps({"_user_id": "whoever"})


def test_a_fresh_house_offers_nothing_but_its_door(app):
    """S-40: without users, settings or a first start nothing is open."""
    for route in GUARDED:
        path = re.sub("<.*?>", NOBODY, route.rule)
        answer = Thief(app).send(route.method, path, {"Accept": "text/html"}, None)
        assert (
            (answer.status == 303 and answer.location.startswith("/ui/login"))
            if route.is_page
            else answer.status == 401
        )


def test_an_unexpected_error_tells_its_number_only(app, app_with):
    """S-16: a 500 is a sentence and a request number; the reason is in the log."""
    broken = app_with()
    broken.view_functions["health_api.liveness"] = fail
    answer = Thief(broken).send("GET", "/health/liveness", {}, None)
    assert (answer.status, answer.headers["cache-control"]) == (500, "no-store")
    assert "hidden reason" not in answer.text
    assert json.loads(answer.body)["error"]["type"] == "internal_server_error"


def fail():
    """Break in a way that nobody foresaw."""
    raise RuntimeError("hidden reason")


fail.access = PUBLIC
