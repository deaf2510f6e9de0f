"""Answers hold what their schema names and nothing that lies beside it in the table (S-12, S-16, S-40)."""

import json

import pytest
from sqlalchemy import func, literal, update

from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.minting import fingerprint
from selfserve.models import ApiKey, Invitation, User
from selfserve.permissions import Role
from selfserve.web.guards import PUBLIC, access_of, is_pages_face
from tests.application import MASTER_KEY, SECRET_KEY, the_app, the_database
from tests.clients import Browser, Curl, InProcess
from tests.factories import make_invitation, make_key, make_user
from tests.integration.security.actions import CURL_DEEDS, PAGE_DEEDS, scene_of, token_of
from tests.integration.security.replays import Thief, serializer

CANARY = "canary"
PLANTED = [
    (User, "password_hash"),
    (ApiKey, "creation_token"),
    (Invitation, "secret_hash"),
]
WORDS = ("password_hash", "secret_hash", "id_hash", "parent_id", "admin_limits", "is_reserved", "deleted_at")
GETS = sorted(
    rule.rule
    for rule in the_app().url_map.iter_rules()
    if "GET" in rule.methods and "<" not in rule.rule and access_of(the_app(), rule.endpoint) != PUBLIC
)
NAMED = {"/key/info": "key", "/invitation/info": "invitation_id", "/user/info": "user_id", "/v2/user/info": "user_id"}


def plant():
    """Put a canary into every column that must never leave."""
    with the_app().app_context(), transaction():
        for model, column in PLANTED:
            (row_id,) = model.__table__.primary_key
            planted = literal(f"{CANARY}-{column}-") + func.substr(row_id, 1, 20)
            db.session.execute(update(model.__table__).values({column: planted}))


def holds_nothing(answer):
    """No canary and no word that only the tables know."""
    found = [word for word in (CANARY, *WORDS) if word in answer.text + str(answer.headers)]
    assert not found, f"{found} in {answer.text[:300]}"


@pytest.mark.parametrize("role", list(Role))
def test_no_read_shows_what_only_the_tables_know(browser, curl, mia, role):
    """S-12: every GET of both faces, as every role, with canaries in the columns."""
    someone = make_user("Someone", role=role)
    page, door = browser(someone), curl(someone)
    key, _other = make_key(someone), make_key(mia)
    invitation = make_invitation(mia)
    plant()
    for rule in GETS:
        if is_pages_face(rule):
            for htmx in (False, True):
                holds_nothing(page.get(rule, htmx=htmx))
            continue
        named = {"key": key.row.id, "invitation_id": invitation.row.id, "user_id": someone.user_id}
        query = {NAMED[rule]: named[NAMED[rule]]} if rule in NAMED else {}
        holds_nothing(door.get(rule, **query))
        holds_nothing(door.get(rule, return_full_object="true", start_date="2026-06-01", end_date="2026-06-30"))


@pytest.mark.parametrize("face", ["page", "curl"])
def test_no_write_answers_with_more_than_its_schema(browser, curl, ada, mia, otto, face):
    """S-12: CVE-2026-107761: a DELETE that returned the whole row."""
    page, door = browser(ada), curl(ada)
    token = token_of(page)
    for deed in PAGE_DEEDS if face == "page" else CURL_DEEDS:
        the_scene = scene_of(make_user(), make_user())
        if face == "page":
            answer = page.post(deed.path(the_scene), deed.fields(the_scene) | token, htmx=True, reveals=True)
        else:
            answer = door.post(deed.path(the_scene), deed.fields(the_scene), reveals=True)
        assert answer.status in (200, 201), deed
        holds_nothing(answer)
        hashes = {the_scene.invitation.row.secret_hash, fingerprint(MASTER_KEY)}
        assert not [each for each in hashes if each in answer.text]


def test_the_pages_show_no_hash_at_all(browser, ada, mia):
    """S-12: by the page nobody needs the hash of a key."""
    keys = [make_key(ada), make_key(mia)]
    page = browser(ada)
    for path in ("/ui/keys", "/ui/all-keys", "/ui/users", f"/ui/keys/{keys[0].row.id}/delete"):
        assert not [key for key in keys if key.row.token in page.get(path).text]


# -- what strangers learn --------------------------------------------------------------------------------------

OPEN = [
    "/health/liveliness", "/health/liveness", "/health/readiness", "/ui/login", "/ui/onboarding", "/ui/nothing",
    "/nothing", "/user/list", "/key/info", "/ui/keys", "/ui/static/x/y.css", "/onboarding/get_token?invite_link=x",
]  # fmt: skip
TELLING = ("sqlalchemy", "sqlite", "postgres", "psycopg", "werkzeug", "flask", "python", "traceback", "gunicorn/",
           "selfserve.db", "api_keys", "audit_events", "site-packages")  # fmt: skip


@pytest.mark.parametrize("path", OPEN)
def test_strangers_learn_nothing_about_the_inside(browser, curl, path):
    """S-16: health, sign-in, 4xx: no version, no table, no path, no setting."""
    door = browser() if is_pages_face(path.partition("?")[0]) else curl()
    answer = door.get(path)
    told = (answer.text + str(answer.headers)).lower()
    assert not [word for word in TELLING if word in told]
    assert not [secret for secret in (MASTER_KEY, SECRET_KEY, the_database().url) if secret.lower() in told]


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


def test_a_fresh_house_offers_nothing_but_its_door(browser, curl):
    """S-40: without users, settings or a first start nothing is open."""
    for rule in GETS:
        if is_pages_face(rule):
            assert browser().get(rule).status == 303
        else:
            assert curl().get(rule).status == 401


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
