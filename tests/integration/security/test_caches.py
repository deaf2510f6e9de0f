"""A cache between people and us, greedy as the rules allow or careless beyond them, mixes nobody up (S-30)."""

import re

import pytest

from tests.clients import Browser, InProcess
from tests.factories import PASSWORD, make_user
from tests.integration.security.marks import marked_scene, seen
from tests.integration.security.replays import Thief, steal
from tests.integration.security.walks import READS, WRITES, body_of, queries, visitor, written

pytestmark = pytest.mark.any_database

KEPT_BY_DEFAULT = {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501}
"""Statuses that a cache may keep without being told (RFC 9110, 15.1)."""
REDIRECTS = {302, 303, 307}
"""Not to be kept without being told; a careless cache does."""


def words_of(header):
    """Split a header into its words, in lower case."""
    return {word.strip().lower() for word in (header or "").split(",") if word.strip()}


class SharedCache:
    """Keeps all that RFC 9111 lets a shared cache keep, for ever; a careless one keeps what it is told not to, too."""

    def __init__(self, app, *, is_careless=False):
        self.app, self.is_careless = app, is_careless
        self.kept, self.served = {}, 0

    def send(self, method, path, headers, body=None):
        """Answer from what is kept, else ask and keep."""
        headers = {name.lower(): value for name, value in headers.items()}
        for asked_with, answer in self.kept.get((method, path), []):
            if all(headers.get(name) == value for name, value in asked_with.items()):
                self.served += 1
                return answer
        answer = Thief(self.app).send(method, path, headers, body)
        if method in ("GET", "HEAD") and self.may_keep(headers, answer):
            varied = {name: headers.get(name) for name in words_of(answer.headers.get("vary"))}
            self.kept.setdefault((method, path), []).append((varied, answer))
        return answer

    def may_keep(self, headers, answer):
        """Tell whether an answer may be kept for others."""
        rules = words_of(answer.headers.get("cache-control"))
        if "*" in words_of(answer.headers.get("vary")):
            return False
        if self.is_careless:
            return answer.status in KEPT_BY_DEFAULT | REDIRECTS
        for_others = any(rule.startswith(("public", "s-maxage", "must-revalidate")) for rule in rules)
        is_told = (
            any(rule.startswith(("max-age", "s-maxage", "public")) for rule in rules) or "expires" in answer.headers
        )
        return (
            not rules & {"no-store", "private", "no-cache"}
            and (answer.status in KEPT_BY_DEFAULT or is_told)
            and ("authorization" not in headers or for_others)
        )


class Person:
    """Somebody who goes through the cache, with their cookie, or with their key under one of its two names."""

    def __init__(self, app, there, cache, header="Authorization"):
        self.there, self.cache = there, cache
        self.cookie = steal(app, there.page).header if there else ""
        self.key = {header: f"Bearer {there.door.token}"} if there else {}

    def open(self, route, address, *, method="GET", **more):
        """Ask for an address as the one who one is."""
        own = {"Cookie": self.cookie} if route.is_page and self.cookie else {} if route.is_page else self.key
        return self.cache.send(method, address, {"Accept": "text/html", **own, **more})


def addresses(scene):
    """Write every address that can be read, with what it can be asked; and some that are wrong."""
    for route in READS:
        for query in [*queries(route, scene), "page=0&after=x&sort=x&days=x"]:
            yield route, route.deed.path(scene) + (f"?{query}" if query else "")
    for path in ("/ui/nothing", "/ui/keys/nothing", "/nothing", "/ui/static/nothing.css", "/ui/static"):
        yield next(route for route in READS if route.is_page == path.startswith("/ui")), path


def statics(app):
    """Find the static files of a page."""
    page = Thief(app).send("GET", "/ui/login", {}, None).text
    return sorted(set(re.findall(r'(?:href|src)="(/ui/static/[^"#]+)', page)))


@pytest.mark.parametrize(
    ("is_careless", "header"),
    [(False, "Authorization"), (True, "Authorization"), (True, "x-litellm-api-key")],
    ids=["by the rules", "careless", "careless with the other name of the key"],
)
def test_nobody_gets_an_answer_that_was_made_for_ada(app, browser, curl, ada, is_careless, header):
    """S-30: pages, fragments, calls, files to save, errors and redirects; she opens all, then Otto, then a stranger."""
    _mia, scene, marks = marked_scene()
    cache = SharedCache(app, is_careless=is_careless)
    people = [
        Person(app, visitor(browser, curl, ada), cache, header),
        Person(app, visitor(browser, curl, make_user("Otto")), cache, header),
        Person(app, None, cache, header),
    ]
    hidden = {column: found for column, found in marks.items() if column[1] != "id"} | {("ada", "email"): {ada.email}}
    shown_to_ada = 0
    for person in people:
        for route, address in addresses(scene):
            for more in ({}, {"HX-Request": "true"} if route.is_page else {"Accept": "text/plain"}):
                told = written(person.open(route, address, **more))
                shown_to_ada += bool(seen(told, hidden)) and person is people[0]
                assert person is people[0] or not seen(told, hidden), address
            person.open(route, address, method="HEAD")
    assert shown_to_ada > 20
    if not is_careless:
        assert cache.kept == {}, "what depends on a person is kept by no cache"


def test_static_files_are_kept_and_the_same_for_all(app, browser, ada):
    """The counterpart: the cache does keep and does serve, and nothing that it keeps sets a cookie."""
    cache, hers = SharedCache(app), steal(app, browser(ada)).header
    found = statics(app)
    for cookie in (hers, "", "selfserve_session=x"):
        for path in found:
            answer = cache.send("GET", path, {"Cookie": cookie, "Accept-Encoding": "gzip"})
            assert answer.status == 200
            assert answer.cookies == []
    assert (len(cache.kept), cache.served) == (len(found), 2 * len(found))


def test_the_cache_would_mix_people_up_if_it_were_let(app, browser, curl, ada):
    """The instrument: without our headers the greedy cache serves Ada's page to a stranger."""
    cache = SharedCache(app)
    hers = Person(app, visitor(browser, curl, ada), cache)
    route = next(route for route in READS if route.rule == "/ui/users")
    forgetful = cache.may_keep

    def without_headers(headers, answer):
        for name in ("cache-control", "vary"):
            answer.headers.pop(name, None)
        return forgetful(headers, answer)

    cache.may_keep = without_headers
    hers.open(route, "/ui/users")
    assert ada.email in Person(app, None, cache).open(route, "/ui/users").text


@pytest.mark.parametrize("who", ["Ada", None])
def test_every_answer_of_every_route_says_that_it_is_for_one_person(app, browser, curl, ada, who):
    """S-30: reads and writes, right and wrong, by page, by htmx and by call: never stored, and varies by who asks."""
    _mia, scene, _marks = marked_scene()
    there = visitor(browser, curl, ada if who else None)
    cookie = steal(app, there.page).header if who else ""
    for route in (*READS, *WRITES):
        kind, body = body_of(route, scene, there.token)
        key = {"Authorization": f"Bearer {there.door.token}"} if who and not route.is_page else {}
        for more in ({}, {"HX-Request": "true"}, {"Content-Type": "text/x"}):
            answer = Thief(app, cookie).send(route.method, route.deed.path(scene), kind | key | more, body)
            assert answer.headers["cache-control"] == "no-store", str(route)
            by = {"cookie", "hx-request"} if route.is_page else {"authorization", "x-litellm-api-key"}
            assert by <= words_of(answer.headers["vary"]), str(route)


def test_signing_out_empties_the_browsers_own_cache(app, mia):
    """S-30: the back button shows nothing of before."""
    page = Browser(InProcess(app)).sign_in(mia)
    page.get("/ui/logout")
    assert page.submit("/ui/logout").headers["clear-site-data"] == '"cache"'
    assert page.get("/ui/keys").status == 303
    assert Browser(InProcess(app)).sign_in(mia, PASSWORD).get("/ui/keys").status == 200
