"""No host, spelling, header or method opens what is closed: every route of both faces (S-1, S-28)."""

import pytest

from tests.factories import make_user
from tests.integration.security.actions import OWN_DEEDS
from tests.integration.security.marks import marked_scene, seen
from tests.integration.security.replays import Wire, cookies_of
from tests.integration.security.snapshots import unchanged
from tests.integration.security.test_sight import without_ids
from tests.integration.security.walks import GUARDED, READS, body_of, visitor, written

pytestmark = pytest.mark.any_database

HOSTS = [
    "", "x/?", "x/#", "x@y", "//", "%2f", "..;/", "a b", "[::1", "localhost:99999", "\u00e4", "LOCALHOST",
    "localhost.", "127.0.0.1", "ui", "x/ui/login?", "x/health/liveness?", "localhost/ui/login#", "*", "null",
    "localhost,evil.example",
]  # fmt: skip
LYING = {
    "X-Original-URL": "/health/liveness", "X-Rewrite-URL": "/health/liveness", "X-Original-URI": "/ui/login",
    "X-Forwarded-Path": "/ui/login", "X-Forwarded-Prefix": "/ui/login?", "X-Script-Name": "/ui/login",
    "X-Forwarded-Host": "127.0.0.1", "X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1",
    "Forwarded": "for=127.0.0.1;host=localhost", "X-HTTP-Method-Override": "GET", "X-Method-Override": "OPTIONS",
    "X-HTTP-Method": "HEAD", "X-Forwarded-User": "ada", "Remote-User": "ada", "X-Remote-User": "ada",
    "X-User-Id": "ada", "X-Auth-Request-Email": "ada@example.com",
}  # fmt: skip


def spellings(path):
    """Write an address in every way that some gate and some router have understood differently."""
    head, _, last = path.rpartition("/")
    return [
        path, f"/{path}", path.replace("/", "//"), path.upper(), path.swapcase(), f"{path}/", f"/.{path}",
        f"/x/..{path}", f"{head}/./{last}", f"{head}/%2e/{last}", f"{head}%2f{last}", f"{head}%5c{last}",
        f"{head}\\{last}", f"{head}/%{ord(last[:1] or 'x'):02x}{last[1:]}", f"{path}%00", f"{path}%20", f"{path}%0a",
        f"{path}%ff", f"{path}.", f"{path};x", f"{path};/", f"{path}/..;/", f"{path}.json", f"{path}?/ui/login",
        f"{path}%3f/ui/login", f"{path}#/ui/login", f"{path}%23", f"/health/liveness/..;{path}",
        f"/health/liveness/../..{path}", f"/ui/login/..{path}", f"/ui/login%2f..{path}", f"/ui/static/..{path}",
        f"/ui/static/x/%2e%2e{path}", f"/ui{path}", f"{path.removeprefix('/ui') or '/'}", f"{path}/ui/login",
        f"/docs{path}", f"{path}%252f", f"{path}\u2215",
    ]  # fmt: skip


class Intruder:
    """Somebody with credentials of their own, or none, who writes requests by hand."""

    def __init__(self, app, there=None):
        self.there = there
        self.wire = Wire(app, cookies_of(there.page) if there else "")

    def send(self, route, target, scene, **headers):
        """Send what the route takes to an address, with whatever credentials there are."""
        kind, body = body_of(route, scene, self.there.token if self.there else "x")
        credentials = {"Authorization": f"Bearer {self.there.door.token}"} if self.there and not route.is_page else {}
        sent = {"Accept": "text/html" if route.is_page else "*/*"} | kind | credentials | headers
        return self.wire.send(route.method, target, sent, body)


@pytest.fixture(params=["a stranger", "Otto"])
def intruder(request, app, browser, curl):
    """A stranger, then Otto, who may do to his own things what he may not do to Mia's."""
    return Intruder(app, None if request.param == "a stranger" else visitor(browser, curl, make_user("Otto")))


def is_closed(route, intruder):
    """Tell whether a route is closed to the intruder, or at least that of Mia's which it names."""
    if route.endpoint in OWN_DEEDS:
        return False
    is_about_somebody = "<" in route.rule.replace("<path:model>", "") + str(route.deed.body)
    return intruder.there is None or not route.is_open_to("internal_user") or is_about_somebody


CLOSED = {303, 400, 401, 403, 404, 405, 415, 422}


@pytest.mark.parametrize("face", ["page", "curl"])
def test_no_spelling_of_any_address_opens_it(intruder, face):
    """S-1: what is refused under its own name is refused under every other, changes nothing and tells nothing."""
    _mia, scene, marks = marked_scene()
    hidden = without_ids(marks)
    with unchanged("throttles"):
        for route in GUARDED:
            if route.is_page == (face == "page") and is_closed(route, intruder):
                for target in spellings(route.deed.path(scene)):
                    answer = intruder.send(route, target, scene)
                    assert answer.status in CLOSED, (str(route), target)
                    assert not seen(written(answer), hidden), (str(route), target)


@pytest.mark.parametrize("face", ["page", "curl"])
def test_no_host_and_no_lying_header_opens_it(intruder, face):
    """S-1: CVE-2026-49468: the gate read the path out of the host; here the matched route decides, and nothing else."""
    _mia, scene, marks = marked_scene()
    hidden = without_ids(marks)
    lies = [{"Host": host} for host in HOSTS] + [{name: value} for name, value in LYING.items()]
    with unchanged("throttles"):
        for route in GUARDED:
            if route.is_page == (face == "page") and is_closed(route, intruder):
                target = route.deed.path(scene)
                normal = intruder.send(route, target, scene).status
                assert normal in CLOSED, str(route)
                for lie in lies:
                    answer = intruder.send(route, target, scene, **lie)
                    assert answer.status in (normal, 400), (str(route), lie)
                    assert not seen(written(answer), hidden), (str(route), lie)


PREFIXES = ("/a/b", "/a/b/a/b", "/a", "/A/B", "/a/b/..", "/a%2fb", "//a/b", "/a/b/", "/a/b;x", "/a/b/ui/login/..")


def test_under_a_path_prefix_neither(app_with):
    """S-1: with a prefix that a proxy strips or keeps, doubled, left out half, or climbed out of."""
    house = app_with(server_root_path="/a/b")
    _mia, scene, marks = marked_scene()
    stranger = Intruder(house)
    with unchanged("throttles"):
        for route in GUARDED:
            path = route.deed.path(scene)
            for prefix in (
                "/a/b",
                "/a/b/a/b",
                "/a",
                "/A/B",
                "/a/b/..",
                "/a%2fb",
                "//a/b",
                "/a/b/",
                "/a/b;x",
                "/a/b/ui/login/..",
            ):
                answer = stranger.send(route, prefix + path, scene)
                assert answer.status in CLOSED, (str(route), prefix)
                assert not seen(written(answer), without_ids(marks))


# -- methods ---------------------------------------------------------------------------------------------------

OVERRIDES = {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "DELETE", "X-Method-Override": "POST"}
METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "QUERY"]


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_done_by_any_other_method_not_even_for_ada(app, browser, curl, ada, method):
    """S-28: an image, a link, a prefetch, a made-up method: whatever it carries, and whatever a header says it is."""
    _mia, scene, _marks = marked_scene()
    there = visitor(browser, curl, ada)
    wire, reads = Wire(app, cookies_of(there.page)), {route.rule for route in READS}
    queries = ("", "?_method=POST", f"?csrf_token={there.token}&role=proxy_admin&emails=x@example.com")
    with unchanged():
        for route in [route for route in GUARDED if route.method == "POST"]:
            kind, body = body_of(route, scene, there.token)
            headers = OVERRIDES | kind | {"Authorization": f"Bearer {there.door.token}"}
            refused = {400, 405} | ({200, 422} if route.rule in reads and method in ("GET", "HEAD") else set())
            for query in queries:
                answer = wire.send(method, route.deed.path(scene) + query, headers, body)
                assert answer.status in (refused | {200} if method == "OPTIONS" else refused), (str(route), query)
