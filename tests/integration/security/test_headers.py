"""The headers of every answer, and that no cache ever shows one person's page to another (S-29, S-30)."""

import re

import pytest

from tests.application import the_app
from tests.clients import Browser, InProcess
from tests.factories import PASSWORD, make_key, make_user
from tests.integration.security.replays import Thief, steal

ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
}
PLACES = {
    "page": ("GET", "/ui/login", 200),
    "redirect": ("GET", "/", 303),
    "to the sign-in page": ("GET", "/ui/keys", 303),
    "400": ("POST", "/ui/logout", 400),
    "401": ("GET", "/user/list", 401),
    "404 page": ("GET", "/ui/nothing", 404),
    "404 json": ("GET", "/nothing", 404),
    "405 page": ("DELETE", "/ui/login", 405),
    "405 json": ("DELETE", "/key/generate", 405),
    "410": ("GET", "/ui/onboarding", 410),
    "head": ("HEAD", "/ui/login", 200),
    "options": ("OPTIONS", "/ui/login", 200),
    "health": ("GET", "/health/liveness", 200),
    "missing static": ("GET", "/ui/static/nothing.css", 404),
}


def static_addresses():
    """Find every static file that a page names."""
    page = Thief(the_app()).send("GET", "/ui/login", {}, None).text
    return sorted(set(re.findall(r'(?:href|src)="(/ui/static/[^"#]+)', page)))


def check_headers(answer):
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    ours = {"script-src", "style-src", "img-src", "font-src", "connect-src", "form-action"}
    assert {name: policy.pop(name) for name in ours} == dict.fromkeys(ours, "'self'")
    assert policy == {"default-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'"}


@pytest.mark.parametrize(("method", "path", "status"), PLACES.values(), ids=PLACES)
def test_every_answer_carries_them_errors_and_redirects_too(app, method, path, status):
    """S-29: CSP without unsafe words, no framing, no sniffing, no referrer, an opener of its own."""
    answer = Thief(app).send(method, path, {"Sec-Fetch-Site": "same-origin"}, None)
    assert answer.status == status
    check_headers(answer)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_static_files_carry_them_too_and_may_be_kept(app, encoding):
    """S-29: the one thing that caches may keep: the same for everybody, under an address that changes with it."""
    found = static_addresses()
    assert len(found) >= 3
    for path in found:
        answer = Thief(app).send("GET", path, {"Accept-Encoding": encoding}, None)
        assert answer.status == 200
        check_headers(answer)
        assert "immutable" in answer.headers["cache-control"]
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(("base", "is_sent"), [("https://keys.example.com", True), ("http://localhost", False)])
def test_https_is_remembered_where_people_come_by_https(app_with, base, is_sent):
    """S-29: for a year; and never sent where there is none."""
    house = app_with(proxy_base_url=base)
    for path in ("/ui/login", "/ui/nothing", "/user/list", static_addresses()[0]):
        sent = Thief(house).send("GET", path, {}, None).headers.get("strict-transport-security", "")
        assert ("max-age=31536000" in sent) == is_sent


@pytest.mark.parametrize("url", ["https://www.google.com", "https://out.example.com/bye?x=1"])
def test_the_sign_out_form_may_go_to_the_logout_address_and_nowhere_else(app_with, url):
    """S-29: its origin stands in form-action, beside our own."""
    house = app_with(proxy_logout_url=url)
    origin = "/".join(url.split("/")[:3])
    policy = Thief(house).send("GET", "/ui/login", {}, None).headers["content-security-policy"]
    assert f"form-action 'self' {origin};" in policy


# -- caches ----------------------------------------------------------------------------------------------------


class SharedCache:
    """What RFC 9111 lets a shared cache keep, done as greedily as it allows."""

    def __init__(self):
        self.kept = {}

    def get(self, app, cookie, path, **headers):
        key = (path, headers.get("HX-Request"))
        if key in self.kept:
            return self.kept[key]
        answer = Thief(app, cookie).send("GET", path, {"Accept": "text/html", **headers}, None)
        rules = answer.headers.get("cache-control", "")
        varies = answer.headers.get("vary", "")
        if "no-store" not in rules and "private" not in rules and "Cookie" not in varies and varies != "*":
            self.kept[key] = answer
        return answer


def test_a_shared_cache_never_shows_adas_page_to_mia(app, browser, ada, mia):
    """S-30: nothing of a person can be kept; static files can."""
    make_key(ada, "of Ada alone")
    make_user("Zed")
    cache, hers = SharedCache(), {"ada": steal(app, browser(ada)).header, "mia": steal(app, browser(mia)).header}
    for path in ("/ui/keys", "/ui/all-keys", "/ui/users", "/ui/account", "/ui/spend", "/ui/login", "/ui/nothing"):
        for headers in ({}, {"HX-Request": "true"}):
            cache.get(app, hers["ada"], path, **headers)
            seen = cache.get(app, hers["mia"], path, **headers)
            assert "of Ada alone" not in seen.text
            assert "zed@" not in seen.text
    assert cache.kept == {}
    cache.get(app, hers["ada"], static_addresses()[0])
    assert len(cache.kept) == 1


@pytest.mark.parametrize("path", ["/ui/keys", "/ui/account", "/ui/login", "/ui/nothing", "/ui/onboarding"])
def test_a_page_varies_by_cookie_and_by_htmx_and_is_never_stored(browser, ada, path):
    """S-30: signed in or not."""
    for page in (browser(ada), browser()):
        for htmx in (False, True):
            answer = page.get(path, htmx=htmx)
            assert answer.headers["cache-control"] == "no-store"
            assert {"Cookie", "HX-Request"} <= set(re.split(r",\s*", answer.headers["vary"]))


def test_a_call_is_never_stored(curl, mia):
    """S-30: and varies by who asks."""
    for path in ("/key/list", "/user/info", "/nothing", "/user/list"):
        answer = curl(mia).get(path)
        assert (answer.headers["cache-control"], "Authorization" in answer.headers["vary"]) == ("no-store", True)


def test_signing_out_empties_the_browsers_own_cache(app, mia):
    """S-30: the back button shows nothing of before."""
    page = Browser(InProcess(app)).sign_in(mia)
    page.get("/ui/logout")
    assert page.submit("/ui/logout").headers["clear-site-data"] == '"cache"'
    assert page.get("/ui/keys").status == 303
    assert Browser(InProcess(app)).sign_in(mia, PASSWORD).get("/ui/keys").status == 200
