"""Role x route x method, read from the URL map: who adds a route adds it here without knowing (S-1, S-3)."""

import json
import re

import pytest

from selfserve.clock import now
from selfserve.permissions import Permission, Role, reach
from selfserve.web.guards import PUBLIC, access_of, is_pages_face
from tests.application import the_app
from tests.clients import Browser, InProcess
from tests.factories import make_key, make_user

pytestmark = pytest.mark.any_database

NOBODY = "00000000-0000-4000-8000-000000000000"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROUTES = sorted(
    (rule.rule, method, rule.endpoint)
    for rule in the_app().url_map.iter_rules()
    for method in rule.methods - {"HEAD", "OPTIONS"}
)
ACCESS = {endpoint: access_of(the_app(), endpoint) for _rule, _method, endpoint in ROUTES}
GUARDED = [route for route in ROUTES if ACCESS[route[2]] != PUBLIC]
JSON_FACE = [route for route in GUARDED if not is_pages_face(route[0])]
PAGES = [route for route in GUARDED if is_pages_face(route[0])]
PAGE_WRITES = [route for route in ROUTES if is_pages_face(route[0]) and route[1] == "POST"]
PUBLIC_ROUTES = {
    ("/", "GET"),
    ("/docs", "GET"),
    ("/openapi.json", "GET"),
    ("/health/liveliness", "GET"),
    ("/health/liveness", "GET"),
    ("/health/readiness", "GET"),
    ("/login", "POST"),
    ("/v2/login", "POST"),
    ("/session/logout", "POST"),
    ("/onboarding/get_token", "GET"),
    ("/onboarding/claim_token", "POST"),
    ("/.well-known/litellm-ui-config", "GET"),
    ("/litellm/.well-known/litellm-ui-config", "GET"),
    ("/sso/key/generate", "GET"),
    ("/sso/cli/start", "POST"),
    ("/sso/cli/poll/<login_id>", "GET"),
    ("/sso/callback", "GET"),
    ("/ui/sso", "GET"),
    ("/ui/sso/logout", "GET"),
    ("/ui", "GET"),
    ("/ui/", "GET"),
    ("/ui/login", "GET"),
    ("/ui/login", "POST"),
    ("/ui/logout", "GET"),
    ("/ui/logout", "POST"),
    ("/ui/password/check", "POST"),
    ("/ui/password/forgot", "GET"),
    ("/ui/password/forgot", "POST"),
    ("/ui/password/sent", "GET"),
    ("/ui/reset", "GET"),
    ("/ui/reset", "POST"),
    ("/ui/onboarding", "GET"),
    ("/ui/onboarding", "POST"),
}


def address_of(rule):
    """Fill in every placeholder with somebody or something that does not exist."""
    return re.sub(r"<[^>]+>", NOBODY, rule)


def named(routes):
    return {"argvalues": routes, "ids": [f"{method} {rule}" for rule, method, _endpoint in routes]}


def send(door, method, rule):
    """Ask as a script would, naming something that does not exist."""
    names = {"keys": ["sk-nobody"], "user_ids": ["nobody"], "invitation_id": "nobody"}
    if rule != "/key/generate":  # there, a name is itself refused
        names |= {"key": "sk-nobody", "user_id": "nobody"}
    data = None if method == "GET" else json.dumps(names).encode()
    headers = {"Content-Type": "application/json"} if data else {}
    return door.send(method, address_of(rule), data, headers=headers, reveals=True)


def test_what_is_open_to_everybody_is_this_list_and_no_more():
    assert {(rule, method) for rule, method, endpoint in ROUTES if ACCESS[endpoint] == PUBLIC} <= PUBLIC_ROUTES


def test_every_other_route_names_a_permission():
    assert {type(access) for access in ACCESS.values() if access != PUBLIC} == {Permission}


@pytest.mark.parametrize(("rule", "method", "endpoint"), **named(JSON_FACE))
def test_the_json_face_asks_everybody_for_a_key(curl, rule, method, endpoint):
    for token in (None, "sk-nobody"):
        answer = send(curl(token), method, rule)
        assert answer.status == 401


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("rule", "method", "endpoint"), **named(JSON_FACE))
def test_the_json_face_lets_in_the_roles_that_the_policy_names(curl, role, rule, method, endpoint):
    answer = send(curl(make_user(role=role)), method, rule)
    assert (answer.status != 403) == (reach(role, ACCESS[endpoint]) is not None)


@pytest.mark.parametrize("state", ["user blocked", "key blocked", "owner deleted"])
@pytest.mark.parametrize(("rule", "method", "endpoint"), **named(JSON_FACE))
def test_whoever_is_out_is_out_everywhere(curl, state, rule, method, endpoint):
    user = make_user(
        role="proxy_admin", is_blocked=state == "user blocked", deleted_at=now() if "deleted" in state else None
    )
    key = make_key(user, is_blocked=state == "key blocked")
    assert send(curl(key.secret), method, rule).status == 401


@pytest.mark.parametrize(("rule", "method", "endpoint"), **named(PAGES))
def test_a_page_sends_strangers_to_the_sign_in_page(browser, rule, method, endpoint):
    stranger = browser()
    stranger.get("/ui/login")
    answer = stranger.get(address_of(rule)) if method == "GET" else stranger.post(address_of(rule), {})
    assert (answer.status, answer.location.partition("?")[0]) == (303, "/ui/login")


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("rule", "method", "endpoint"), **named(PAGES))
def test_a_page_lets_in_the_roles_that_the_policy_names(app, role, rule, method, endpoint):
    page = Browser(InProcess(app)).sign_in(make_user(role=role))
    page.get("/ui/account")
    answer = page.get(address_of(rule)) if method == "GET" else page.post(address_of(rule), {})
    assert (answer.status != 403) == (reach(role, ACCESS[endpoint]) is not None)
    assert answer.status != 401


@pytest.mark.parametrize(("rule", "method", "endpoint"), **named(PAGE_WRITES))
def test_no_page_takes_a_write_without_its_token_or_from_elsewhere(browser, ada, rule, method, endpoint):
    page = browser(ada)
    page.get("/ui/account")
    address = address_of(rule)
    for token in ("", "forged"):
        answer = page.post(address, {"csrf_token": token})
        shown_anew = (303, "/ui/login?stale=1") if endpoint == "auth.log_in" else (400, "")
        assert (answer.status, answer.location) == shown_anew
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert page.post(address, {}, headers=headers).status == 403


@pytest.mark.parametrize("rule", sorted({rule for rule, _method, _endpoint in ROUTES}))
def test_every_other_method_is_405(master, browser, ada, rule):
    known = {method for other, method, _endpoint in ROUTES if other == rule}
    door = browser(ada) if is_pages_face(rule) else master
    for method in set(METHODS) - known:
        answer = door.transport.send(
            method, address_of(rule), {"Authorization": f"Bearer {getattr(door, 'token', '')}"}, None
        )
        assert answer.status in (405, 400), f"{method} {rule} answered {answer.status}"


@pytest.mark.parametrize("host", ["x/?", "x/#", "x@y", "//", "%2f", "..;/"])
@pytest.mark.parametrize(
    "path",
    ["/user/list", "//user/list", "/user//list", "/USER/LIST", "/user/list/", "/ui/../user/list", "/%75ser/list"],
)
def test_neither_host_nor_spelling_opens_a_door(curl, mia, host, path):
    door = curl(mia)
    for headers in ({}, {"Host": host}, {"X-Original-URL": "/health/liveness"}, {"X-Rewrite-URL": "/health/liveness"}):
        answer = door.transport.send("GET", path, {"Authorization": f"Bearer {door.token}"} | headers, None)
        assert answer.status in (303, 308, 400, 403, 404)
        assert b'"users"' not in answer.body
