"""The settings page: what the environment sets, how the upstreams are, and whether one answers when it is asked."""

import re
from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import AuditEvent, Call
from selfserve.upstreams import Upstream, Upstreams
from tests.application import MASTER_KEY, SECRET_KEY, the_settings, using
from tests.factories import make_key, numbers, rows, save_all
from tests.integration.pages.parts import found, toast, words, writes
from tests.integration.security.snapshots import unchanged
from tests.servers import free_port
from tests.upstream import KEY

TEST = "/ui/settings/upstreams/test"


def made_calls(owner, **columns):
    """Calls of this hour."""
    key = make_key(owner).row
    told = {"user_pk": owner.id, "key_id": key.id, "model": "gpt-4o-mini", "cost": 1, "provider": "default"}
    each = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    save_all([Call(**{"started_at": now(), "request_id": f"r{next(numbers)}"} | told | one) for one in each])


@pytest.fixture
def page(browser, ada):
    """Ada's browser, on the settings page."""
    opened = browser(ada)
    opened.get("/ui/settings")
    return opened


def test_what_the_environment_sets_is_shown_with_the_name_of_its_variable(page):
    answer = page.get("/ui/settings")
    told = answer.html.words()
    assert "Links point to http://localhost set by PROXY_BASE_URL" in told
    assert "A call takes at most 10 minutes default of SELFSERVE_UPSTREAM_TIMEOUT" in told
    assert "Master key Set set by LITELLM_MASTER_KEY" in told


def test_what_setup_made_and_where_the_server_listens_is_set_by_nobody(app, page, tmp_path, monkeypatch):
    (tmp_path / "master_key").write_text(MASTER_KEY)
    monkeypatch.setenv("SELFSERVE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("LITELLM_MASTER_KEY", raising=False)
    with using(app, the_settings(proxy_base_url="http://127.0.0.1:4000", port=4000)):
        told = page.get("/ui/settings").html.words()
    assert "Links point to http://127.0.0.1:4000 default of PROXY_BASE_URL" in told
    assert "Master key Set made by setup for LITELLM_MASTER_KEY" in told


def test_no_secret_and_no_key_of_an_upstream_is_in_the_page(page, upstream):
    """S-12: only that there is one."""
    page.get("/ui/settings")
    for answer in (page.get("/ui/settings"), page.submit(TEST, htmx=True)):
        assert [secret for secret in (MASTER_KEY, SECRET_KEY, KEY) if secret in answer.text] == []
    assert "Key set." in words(found(page.get("/ui/settings"), "upstreams"))


def test_an_address_is_shown_without_what_stands_behind_its_path(app, page, monkeypatch):
    odd = Upstream("odd", "https://llm.example.com/v1?token=of-the-house", "")
    monkeypatch.setitem(app.config, "UPSTREAMS", Upstreams({}, odd))
    told = page.get("/ui/settings").text
    assert "https://llm.example.com/v1" in told
    assert "of-the-house" not in told


def test_the_health_of_an_upstream_is_that_of_the_last_hour(page, mia):
    made_calls(mia, latency_ms=[100, 300, 200, 9_000], is_failed=[False, False, False, True])
    made_calls(mia, latency_ms=[7], started_at=[now() - timedelta(minutes=61)])
    made_calls(mia, latency_ms=[7], provider=["another"])
    told = words(found(page.get("/ui/settings"), "upstreams"))
    assert "Last hour: 4 calls, 1 failed, median 200 ms." in told
    assert "25 % failed" in told


def test_many_calls_are_looked_at_in_part(page, mia, monkeypatch):
    monkeypatch.setattr("selfserve.services.upstream_health.MOST_CALLS", 2)
    made_calls(mia, latency_ms=[1, 2, 3])
    assert "Last hour: 2+ calls, 0 failed, median 2 ms." in words(found(page.get("/ui/settings"), "upstreams"))


def test_without_an_upstream_the_page_says_which_variable_opens_the_door(app, page, monkeypatch):
    monkeypatch.setitem(app.config, "UPSTREAMS", Upstreams())
    told = words(found(page.get("/ui/settings"), "upstreams"))
    assert "Keys open nothing yet" in told
    assert "UPSTREAM_BASE_URL" in told


def test_vera_sees_it_all_and_changes_nothing_others_see_nothing(browser, vera, mia, ivo):
    answer = browser(vera).get("/ui/settings")
    assert (answer.status, writes(answer)) == (200, [])
    assert "Settings" in words(answer.html.all("nav")[0])
    for person in (mia, ivo):
        page = browser(person)
        assert page.get("/ui/settings").status == 403
        assert "Settings" not in words(page.get("/ui/keys").html.all("nav")[0])


# -- Test connection ------------------------------------------------------------------------------------------

MANNERS = [
    ({}, True, r"Answers in \d+ ms with \d+ models."),
    ({"status": 401}, False, r"Answered 401 in \d+ ms: it does not accept the key."),
    ({"status": 404}, False, r"Answered 404 .* ends with /v1."),
    ({"status": 503}, False, r"Answered 503 in \d+ ms."),
    ({"body": b"<html>"}, False, r"Answered 200 .* not with a list of models."),
    ({"body": b'{"data": 5}'}, False, r"Answered 200 .* not with a list of models."),
    ({"body": b"[" * 100_000}, False, r"Answered 200 .* not with a list of models."),
    ({"body": b" " * 5_000_001}, False, r"the list of its models is too long or too slow to read."),
    ({"waits": 0.15}, False, r"Connected, but no answer within 0.1 seconds."),
]


@pytest.mark.parametrize(("manner", "is_ok", "sentence"), MANNERS, ids=[str(each[0])[:40] for each in MANNERS])
def test_ada_asks_an_upstream_and_is_told_what_it_said(page, upstream, monkeypatch, manner, is_ok, sentence):
    if "waits" in manner:
        monkeypatch.setattr("selfserve.gateway.checks.READ_SECONDS", 0.1)
    upstream.be(**manner)
    answer = page.submit(TEST, htmx=True)
    told = words(found(answer, "upstreams"))
    assert (answer.status, "Not connected" in told) == (200, not is_ok)
    assert re.search(sentence, told), told


def test_without_a_script_the_answer_is_said_on_the_page(page, upstream):
    answer = page.follow(page.submit(TEST))
    assert toast(answer).startswith("default: Answers in")
    assert upstream.asked[-1].path == "/v1/models"
    assert upstream.asked[-1].headers["authorization"] == f"Bearer {KEY}"
    assert "cookie" not in upstream.asked[-1].headers


def test_where_it_sends_to_is_not_gone(page, upstream):
    """S-34: redirects are off, and where they lead is not told."""
    upstream.be(status=302, headers={"Location": upstream.url + "/over-there"})
    before = len(upstream.asked)
    answer = page.submit(TEST, htmx=True)
    assert "Answered 302" in answer.text
    assert "over-there" not in answer.text
    assert len(upstream.asked) == before + 1


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://127.0.0.1:{port}/v1", "the connection was refused"),
        ("http://no-such-host.invalid/v1", "its name is not known"),
        ("https://127.0.0.1:{upstream}/v1", "its certificate is not accepted"),
    ],
)
def test_why_there_is_no_answer_is_said_without_the_address(app, page, upstream, monkeypatch, address, why):
    here = upstream.url.split(":")[2].split("/")[0]
    away = Upstream("away", address.format(port=free_port(), upstream=here), KEY)
    monkeypatch.setitem(app.config, "UPSTREAMS", Upstreams({}, away))
    page.get("/ui/settings")
    told = toast(page.follow(page.submit(TEST)))
    assert why in told
    assert "127.0.0.1" not in told


@pytest.mark.parametrize("name", ["", "nobody", "http://127.0.0.1:1/", "DEFAULT", "a" * 300, "x\x00y"])
def test_only_a_name_that_is_configured_is_asked(page, upstream, name):
    """S-34, S-42: no address comes from the request."""
    before = len(upstream.asked)
    answer = page.post(TEST, {"upstream": name, "base_url": upstream.url})
    assert answer.status in (404, 422)
    assert len(upstream.asked) == before


def test_a_forged_form_and_lesser_roles_ask_nobody(browser, page, upstream, vera, mia, ivo):
    """S-4, S-28: and asking changes nothing at all."""
    before, others = len(upstream.asked), [browser(person) for person in (vera, mia, ivo)]
    for other in others:
        other.get("/ui/account")
    with unchanged():
        assert page.post(TEST, {"upstream": "default", "csrf_token": "forged"}).status == 400
        for other in others:
            assert other.post(TEST, {"upstream": "default"}).status == 403
    assert len(upstream.asked) == before
    page.get("/ui/settings")
    with unchanged("audit_events"):
        assert page.submit(TEST).status == 303
    assert [event for event in rows(AuditEvent) if event.action.startswith("price")] == []
