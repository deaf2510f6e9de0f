"""A write comes from our own page with our own token, or it does not happen (S-28)."""

import json
from urllib.parse import urlencode

import pytest

from selfserve.models import Session
from tests.application import BASE_URL
from tests.clients import Browser, Curl
from tests.factories import PASSWORD, make_invitation, rows
from tests.integration.security.actions import deeds, scene_of, token_of
from tests.integration.security.replays import Thief, steal
from tests.integration.security.snapshots import unchanged

pytestmark = pytest.mark.any_database

NEW_PASSWORD = "seven quiet foxes at noon"
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://localhost:666"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": BASE_URL},
    {"Sec-Fetch-Site": "nonsense"},
]
ALL_DEEDS = deeds(pages=True)
named_deeds = pytest.mark.parametrize("deed", ALL_DEEDS, ids=[deed.endpoint for deed in ALL_DEEDS])


def send(app, loot, path, fields, **headers):
    """Post with the cookie and exactly these headers, as a hostile page makes a browser do."""
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html", **headers}
    return Thief(app, loot.header).send("POST", path, sent, urlencode(fields).encode())


@named_deeds
def test_ada_is_tricked_into_nothing_without_her_token(app, browser, ada, mia, otto, deed):
    """S-28: missing, empty, made up, of another session, in the address, in the wrong header, in a cookie."""
    others = token_of(browser(mia))["csrf_token"]
    page = browser(ada)
    token, loot, scene = token_of(page)["csrf_token"], steal(app, page), scene_of(mia, otto)
    path, fields = deed.path(scene), deed.fields(scene)
    with unchanged():
        for forged in (
            send(app, loot, path, fields),
            send(app, loot, path, fields | {"csrf_token": ""}),
            send(app, loot, path, fields | {"csrf_token": "x"}),
            send(app, loot, path, fields | {"csrf_token": others}),
            send(app, loot, path, fields | {"csrf_token": token[:-2]}),
            send(app, loot, f"{path}?csrf_token={token}", fields),
            send(app, loot, path, fields, Authorization=f"Bearer {token}"),
            send(app, loot, path, fields, **{"HX-Request": "true"}),
        ):
            assert forged.status == 400


@named_deeds
def test_no_other_site_sends_a_form_of_ours_even_with_the_token(app, browser, ada, mia, otto, deed):
    """S-28: the second lock; neither alone is trusted."""
    page = browser(ada)
    token, loot, scene = token_of(page), steal(app, page), scene_of(mia, otto)
    with unchanged():
        for headers in FOREIGN:
            assert send(app, loot, deed.path(scene), deed.fields(scene) | token, **headers).status == 403


@named_deeds
def test_no_other_kind_of_body_gets_past_the_token(app, browser, ada, mia, otto, deed):
    """S-28: the simple requests that a foreign page can make: text/plain, JSON, multipart, none."""
    page = browser(ada)
    page.get("/ui/account")
    loot, scene = steal(app, page), scene_of(mia, otto)
    body = json.dumps(deed.fields(scene)).encode()
    with unchanged():
        for kind in ("text/plain", "application/json", "multipart/form-data", "multipart/form-data; boundary=x", ""):
            headers = {"Content-Type": kind} if kind else {}
            assert Thief(app, loot.header).send("POST", deed.path(scene), headers, body).status == 400


@pytest.mark.parametrize("deed", [deed for deed in ALL_DEEDS if deed.rule not in ("/ui/keys", "/ui/users")])
def test_nothing_is_written_by_any_other_method(app, browser, ada, mia, otto, deed):
    """S-28: an image, a link, a prefetch change nothing."""
    page, scene = browser(ada), scene_of(mia, otto)
    path = deed.path(scene)
    with unchanged():
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"):
            for query in ("", "?_method=POST", "?role=proxy_admin&emails=a@b.example&key_alias=x"):
                answer = page.transport.send(method, path + query, {"X-HTTP-Method-Override": "POST"}, None)
                assert answer.status in (200, 400, 405, 422)


# -- signing in and out ----------------------------------------------------------------------------------------


def a_session_is_begun(app, headers, path, body):
    before = len(rows(Session))
    answer = Thief(app).send("POST", path, headers, body)
    assert len(rows(Session)) == before
    return answer


@pytest.mark.parametrize("headers", FOREIGN)
def test_nobody_is_signed_in_as_somebody_else_by_a_foreign_page(app, mia, headers):
    """S-28: login CSRF: the victim would make keys in the attacker's account."""
    form = f"username={mia.email}&password={PASSWORD}".encode()
    kinds = {"/login": "application/x-www-form-urlencoded", "/ui/login": "application/x-www-form-urlencoded"}
    for path, kind in kinds.items():
        assert a_session_is_begun(app, {"Content-Type": kind, **headers}, path, form).status == 403
    words = json.dumps({"username": mia.email, "password": PASSWORD}).encode()
    for kind in ("application/json", "text/plain"):
        answer = a_session_is_begun(app, {"Content-Type": kind, **headers}, "/v2/login", words)
        assert answer.status in (403, 415)


def test_the_sign_in_page_wants_its_token(app, mia):
    """S-28: also without any cookie, also with somebody else's."""
    for cookie in ("", "selfserve_session=x"):
        body = f"username={mia.email}&password={PASSWORD}".encode()
        answer = Thief(app, cookie).send(
            "POST", "/ui/login", {"Content-Type": "application/x-www-form-urlencoded"}, body
        )
        assert (answer.status, answer.location) == (303, "/ui/login?stale=1")  # shown anew, with a token
    assert rows(Session) == []


@pytest.mark.parametrize("headers", FOREIGN)
def test_nobody_is_signed_out_by_a_foreign_page(app, browser, mia, headers):
    """S-28: neither by the page nor by the script's door."""
    page = browser(mia)
    token, loot = token_of(page), steal(app, page)
    with unchanged():
        assert send(app, loot, "/ui/logout", token, **headers).status == 403
        assert send(app, loot, "/session/logout", {}, **headers).status == 403
        assert Thief(app, loot.header).send("GET", "/ui/logout", headers, None).status == 200
        assert Thief(app, loot.header).send("GET", "/session/logout", headers, None).status == 405


@pytest.mark.parametrize("headers", [*FOREIGN, {}])
def test_no_link_is_claimed_by_a_foreign_page(app, browser, ina, headers):
    """S-28: the form of the onboarding page is a form like any other."""
    page = browser()
    page.follow(page.get(f"/ui/onboarding?id={make_invitation(ina).secret}"))
    token = page.csrf_token() if headers else "forged"
    with unchanged():
        answer = page.post("/ui/onboarding", {"password": NEW_PASSWORD, "csrf_token": token}, headers={
            "Sec-Fetch-Site": "same-origin" if not headers else "cross-site", **headers})  # fmt: skip
        assert answer.status == (403 if headers else 400)


# -- the JSON face ---------------------------------------------------------------------------------------------


def test_the_json_face_reads_no_cookie(app, browser, ada, mia, otto):
    """S-28: so it needs no token: a browser that is signed in is nobody there."""
    loot, scene = steal(app, browser(ada)), scene_of(mia, otto)
    with unchanged():
        for deed in deeds(pages=False):
            answer = Curl(Thief(app, loot.header)).post(deed.path(scene), deed.fields(scene))
            assert answer.status == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", BASE_URL])
def test_no_other_site_is_told_that_it_may_read(app, curl, mia, origin):
    """S-28: no CORS, on any face, for any method; not even for ourselves."""
    asks = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    for path in ("/key/list", "/key/generate", "/ui/keys", "/v2/login", "/health/liveness", "/nothing"):
        for method in ("OPTIONS", "GET", "POST"):
            answer = Thief(app).send(method, path, asks, None)
            assert not [name for name in answer.headers if name.startswith("access-control")]


def test_our_own_page_is_let_through(app, browser, ada, mia, otto):
    """The counterpart: the right token from the right place, with each header that browsers send."""
    page = browser(ada)
    token, loot = token_of(page), steal(app, page)
    for headers in ({}, {"Origin": BASE_URL}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert send(app, loot, f"/ui/users/{otto.id}/block", token, **headers).status == 303
    assert Browser(Thief(app)).get("/ui/login").status == 200
