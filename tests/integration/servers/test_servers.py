"""`wsgi:app` under three servers, the whole journey under each; and under a path prefix, stripped or kept."""

import signal

import pytest

from tests.clients import Browser, Curl, OverHttp
from tests.journey import walk_through
from tests.servers import KINDS, free_port, proxied

FORGED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "ftp",
    "Forwarded": "host=evil.example",
    "X-Forwarded-Prefix": "/evil",
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_journey_works_under_each_server(serve, kind):
    with serve(kind) as server:
        walk_through(server.url)


@pytest.mark.parametrize("strips", [True, False], ids=["stripping", "keeping"])
def test_the_journey_works_under_a_path_prefix(serve, strips):
    port = free_port()
    outside = f"http://127.0.0.1:{port}"
    with (
        serve(PROXY_BASE_URL=outside, SERVER_ROOT_PATH="/a/b") as server,
        proxied(server.url, "/a/b", strips=strips, port=port) as proxy,
    ):
        walk_through(f"{outside}/a/b")
        page = Browser(OverHttp(outside))
        sign_in = page.get("/a/b/ui/login").html
        for element in sign_in.tree.iter():
            for name in ("href", "src", "action", "hx-get", "hx-post"):
                address = element.get(name)
                if address and address.startswith("/"):
                    assert address.startswith("/a/b/"), address
                    if name in ("href", "src"):
                        assert page.transport.send("GET", address, {}, None).status in (200, 303), address
        assert [path for path, status in proxy.seen if status == 404] == []


def test_forged_headers_reach_no_link_and_no_redirect(serve):
    port = free_port()
    outside = f"http://127.0.0.1:{port}"
    with serve(PROXY_BASE_URL=outside) as server, proxied(server.url, adds=FORGED, port=port):
        browser = walk_through(outside)
        for path in ("/", "/ui", "/ui/keys", "/ui/login", "/nothing", "/ui/nothing"):
            answer = browser.transport.send("GET", path, {}, None)
            assert "evil" not in answer.text + str(answer.headers)


def test_it_stops_cleanly_and_at_once_when_told(serve):
    with serve(SELFSERVE_WORKERS="1") as server:
        Curl(OverHttp(server.url)).get("/health/readiness")
        server.kill(signal.SIGINT)
        assert server.process.returncode == 0
        log = server.log.read_text()
        assert "Traceback" not in log
        assert "SIGKILL" not in log


def test_no_secret_reaches_the_log(serve):
    with serve() as server:
        walk_through(server.url)
        log = server.log.read_text()
    assert "sk-" not in log
    assert "foxes" not in log
    assert "id=" not in log
    assert '"route": "/ui/keys/<uuid:key_id>/delete"' in log
