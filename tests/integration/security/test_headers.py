"""The headers of every answer, and that no cache ever shows one person's page to another (S-29, S-30)."""

import re

import pytest

from tests.application import the_app
from tests.integration.security.replays import Thief

pytestmark = pytest.mark.any_database

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
