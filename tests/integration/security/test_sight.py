"""Who sees what, column by column and address by address: a person's things are theirs (S-6, S-7c, S-12, S-16)."""

from urllib.parse import quote

import pytest

from selfserve.minting import fingerprint
from selfserve.permissions import Role
from tests.clients import Browser
from tests.factories import PASSWORD, change, hash_of, make_user
from tests.integration.security.actions import OWN_DEEDS, scene_of
from tests.integration.security.marks import marked_scene, seen
from tests.integration.security.replays import Thief, steal
from tests.integration.security.snapshots import unchanged
from tests.integration.security.walks import (
    GUARDED_WRITES,
    READS,
    asked,
    named,
    queries,
    visitor,
    written,
)

pytestmark = pytest.mark.any_database

SHOWN = {
    "users": {"id", "user_id", "email", "alias", "models", "metadata"},
    "api_keys": {"id", "token", "alias", "models", "metadata", "tags", "blocked_by", "last_address", "last_agent"},
    "former_secrets": {"last_address", "last_agent"},
    "invitations": {"id", "created_by_name"},
    "reset_links": {"id"},
    "sessions": {"address", "user_agent"},
    "calls": {"model", "request_id", "address", "user_agent", "provider"},
    "daily_spend": {"model"},
    "audit_events": {"address", "request_id", "before", "after"},
}
"""What may be shown to whom it belongs and to admins; any other column, also a new one, leaves by no door."""
MAY_LEAVE = {(table, column) for table, columns in SHOWN.items() for column in columns}
ONLY_FOR_SCRIPTS = {("api_keys", "token")}
ONLY_IN_TABLES = ("password_hash", "secret_hash", "id_hash", "parent_id", "admin_limits", "is_reserved", "deleted_at")
SPEND = ("7.777777", "$7.78")
ABOUT_SOMEBODY = [route for route in GUARDED_WRITES if "<" in route.rule + str(route.deed.body)]


def walk(there, *scenes):
    """Open every address for every scene, by page and by htmx, with and without names in the query."""
    for route in READS:
        for scene in scenes:
            for query in queries(route, scene):
                for htmx in (False, True) if route.is_page else (False,):
                    yield route, there.ask(route, scene, query, htmx=htmx)


def check_columns(route, answer, marks):
    """Only what is named above may be in an answer."""
    allowed = MAY_LEAVE - ONLY_FOR_SCRIPTS if route.is_page else MAY_LEAVE
    told = written(answer)
    assert seen(told, marks) <= allowed, route
    assert not [word for word in ONLY_IN_TABLES if word in told], route


# -- what may be shown -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"])
def test_no_column_leaves_that_is_not_named_here(browser, curl, who):
    """S-12: every read, as an admin, as a viewer and as whom it is about; marks in every column of every table."""
    mia, scene, marks = marked_scene(role=who if who.startswith("internal") else "internal_user")
    mia = change(mia, email="mia@example.com", password_hash=hash_of(PASSWORD))
    marks["users", "password_hash"] = {mia.password_hash}
    there = visitor(browser, curl, mia if who.startswith("internal") else make_user("Admin", role=who))
    for route, answer in walk(there, scene):
        check_columns(route, answer, marks)


@pytest.mark.parametrize("route", **named([route for route in GUARDED_WRITES if route.endpoint not in OWN_DEEDS]))
def test_no_deed_answers_with_more_columns(browser, curl, ada, route):
    """S-12: CVE-2026-107761: a DELETE that returned the whole row."""
    there = visitor(browser, curl, ada)
    for htmx in (False, True) if route.is_page else (False,):
        _mia, scene, marks = marked_scene(f"Mia{htmx}")
        answer = there.do(route, scene, htmx=htmx)
        assert answer.status in (200, 201, 204, 303)
        check_columns(route, answer, marks)


def test_the_marks_would_be_seen(browser, curl, ada):
    """The instrument: an admin sees the marks of what is shown, so what is not seen is not there."""
    _mia, scene, marks = marked_scene()
    there = visitor(browser, curl, ada)
    found = set().union(*(seen(written(answer), marks) for _route, answer in walk(there, scene)))
    assert found >= {("users", "email"), ("users", "metadata"), ("api_keys", "alias"), ("api_keys", "token")}
    assert set(marks) >= {("users", "password_hash"), ("invitations", "secret_hash"), ("sessions", "id_hash")}
    assert set(marks) >= {("former_secrets", "token"), ("api_keys", "creation_token"), ("audit_events", "request_id")}


# -- what others see -------------------------------------------------------------------------------------------


def holds_nothing_of(answer, marks, typed=""):
    """Neither a mark nor a sum of hers is in an answer, but for what was typed."""
    told = written(answer)
    for echo in filter(None, (typed, quote(typed, safe=""), typed and fingerprint(typed))):
        told = told.replace(echo, "")
    return not seen(told, marks) and not [sum_of_hers for sum_of_hers in SPEND if sum_of_hers in told]


def without_ids(marks):
    """Leave out the ids that stand in addresses."""
    return {column: found for column, found in marks.items() if column[1] != "id"}


@pytest.mark.parametrize("who", ["internal_user", "internal_user_viewer", None])
def test_nobody_else_sees_anything_of_mias_at_any_address(browser, curl, who):
    """S-6: with her ids in the address, in the query, as a user, as a viewer and as a stranger."""
    _mia, scene, marks = marked_scene()
    otto = make_user("Otto", role=who) if who else None
    there = visitor(browser, curl, otto)
    opened = marks if otto else without_ids(marks)  # a stranger is sent to sign in and back to what they opened
    for route, answer in walk(there, scene, *([scene_of(otto, otto)] if otto else [])):
        assert holds_nothing_of(answer, opened), route
        assert answer.status < 400 or answer.status in (400, 401, 403, 404, 409, 410, 422), route


def test_whoever_was_blocked_sees_nothing_with_the_old_cookie_and_the_old_key(app, browser, curl):
    """S-6, S-37: not even what an admin saw a moment ago."""
    _mia, scene, marks = marked_scene()
    rex = make_user("Rex", role="proxy_admin")
    there = visitor(browser, curl, rex)
    loot = steal(app, there.page)
    change(rex, is_blocked=True)
    there.page = Browser(Thief(app, loot.header))
    for route, answer in walk(there, scene):
        assert holds_nothing_of(answer, without_ids(marks)), route


WIDE = ("", "%", "*", "_", "null", "[]", "{}", "true", "1", "-1", "all", "everyone", "mia", "internal_user", "active")


@pytest.mark.parametrize("route", **named(READS))
def test_no_word_however_blank_doubled_or_clever_shows_otto_more(browser, curl, otto, route):
    """S-7c: every word of every address, with what could mean everybody and with every name of hers."""
    mia, scene, marks = marked_scene()
    there, own = visitor(browser, curl, otto), scene_of(otto, otto)
    hers = (
        mia.id,
        mia.user_id,
        mia.email,
        scene.key.row.id,
        scene.key.row.token,
        scene.key.secret,
        scene.key.row.alias,
    )
    for word, is_read in [*there.reads(route, own), *((word, False) for word in ("user_id", "owner", "scope"))]:
        for value in (*WIDE, *hers) if is_read else ("all", mia.user_id):
            query = asked(word, value)
            answer = there.ask(route, own, query)
            assert holds_nothing_of(answer, marks, value), query
        for query in (f"{word}=&{word}={mia.user_id}", f"{word}[]={mia.user_id}", f"{word}[$ne]=x"):
            assert holds_nothing_of(there.ask(route, own, query), marks, mia.user_id), query


@pytest.mark.parametrize("who", ["internal_user", "internal_user_viewer"])
@pytest.mark.parametrize("route", **named(ABOUT_SOMEBODY))
def test_nobody_else_does_anything_to_her_or_is_told_of_her(browser, curl, route, who):
    """S-4, S-6: every deed that names somebody, by page, by htmx and by curl, is refused without a word of her."""
    _mia, scene, marks = marked_scene()
    there = visitor(browser, curl, make_user("Otto", role=who))
    with unchanged("throttles"):
        for htmx in (False, True) if route.is_page else (False,):
            answer = there.do(route, scene, htmx=htmx)
            assert answer.status == (404 if route.is_open_to(Role(who)) else 403)
            typed = scene.invitation.secret
            assert holds_nothing_of(answer, without_ids(marks), typed)
