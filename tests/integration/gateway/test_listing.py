"""The upstream without a list of models is asked for its own: seldom, briefly, and with our key alone (S-35)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from selfserve.gateway import listing
from selfserve.upstreams import Upstream, Upstreams
from tests.clients import Browser, Curl, InProcess
from tests.factories import make_key, make_user
from tests.integration.pages.parts import found, table, words
from tests.upstream import KEY, MODELS

NO_ANSWER = "The upstream did not say which models it serves."


def listed(answer):
    """Which models a page lists."""
    return sorted(name.split()[0] for name in table(answer))


def names(answer):
    """Which models the API lists."""
    return sorted(model["id"] for model in answer.json["data"])


def test_its_models_are_listed_on_the_page_and_by_curl(browser, curl, mia, upstream):
    key = make_key(mia)
    assert listed(browser(mia).get("/ui/models")) == sorted(MODELS)
    assert names(curl(key.secret).get("/v1/models")) == sorted(MODELS)
    assert len(upstream.asked) == 1


def test_what_it_says_and_what_a_file_names_are_listed_together(app_with, mia, upstream, tmp_path):
    file = tmp_path / "upstreams.toml"
    file.write_text(
        '[[upstream]]\nname = "big"\nbase_url = "https://llm.example.com/v1"\n[[upstream.model]]\nname = "o4"\n'
    )
    door = Curl(InProcess(app_with(selfserve_upstreams=file)), make_key(mia).secret)
    assert names(door.get("/v1/models")) == sorted([*MODELS, "o4"])


def test_it_sees_our_key_and_nothing_of_whoever_looks(browser, mia, upstream):
    """S-35: no cookie, no key of a person, no address of theirs."""
    browser(mia).get("/ui/models", headers={"Authorization": "Bearer sk-mine", "X-Forwarded-For": "10.1.2.3"})
    (asked,) = upstream.asked
    assert asked.path == "/v1/models"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert set(asked.headers) <= {"host", "authorization", "accept-encoding", "user-agent"}


@pytest.mark.parametrize(
    "manner",
    [
        {"status": 500},
        {"status": 401},
        {"status": 302, "headers": {"Location": "/v1/models"}},
        {"body": b"<html>hello</html>"},
        {"body": b'{"data": {"a": 1}}'},
        {"body": b'{"data": [{"name": "x"}]}'},
        {"cuts_after": 10},
        {"body": b'{"data": [' + b'{"id": "x"},' * 200_000 + b"]}"},
    ],
    ids=["500", "401", "redirect", "html", "no list", "no ids", "cut off", "too long"],
)
def test_whatever_goes_wrong_the_limits_name_what_there_may_be(browser, curl, upstream, manner):
    """S-34: redirects are not followed; nothing of a wrong answer is shown."""
    upstream.be(**manner)
    pia = make_user("Pia", models=["gpt-5-mini", "house-*"])
    key = make_key(pia, models=["house-model"])
    answer = browser(pia).get("/ui/models")
    assert NO_ANSWER in answer.html.words()
    assert listed(answer) == ["gpt-5-mini", "house-model"]
    assert names(curl(key.secret).get("/v1/models")) == ["house-model"]
    assert "did not say what it serves" in words(found(browser(pia).get("/ui/models?missing=gpt-9"), "missing"))
    assert len(upstream.asked) == 1


def test_a_slow_one_is_waited_for_two_seconds_and_then_left_alone(browser, mia, upstream):
    upstream.be(waits=30)
    page, begun = browser(mia), monotonic()
    assert NO_ANSWER in page.get("/ui/models").html.words()
    assert 1.5 < monotonic() - begun < 4
    again = monotonic()
    assert NO_ANSWER in page.get("/ui/quickstart").html.words()
    assert monotonic() - again < 1
    upstream.let_go()
    upstream.released = threading.Event()


def test_ten_at_once_are_one_question(upstream):
    there = Upstreams(rest=Upstream("default", upstream.url, KEY))
    with ThreadPoolExecutor(10) as pool:
        answers = {*pool.map(lambda _: listing.served_models(there), range(10))}
    assert answers == {tuple(sorted(MODELS))}
    assert len(upstream.asked) == 1


def test_it_is_asked_again_after_a_minute_and_after_no_answer_sooner(upstream, monkeypatch):
    there, moment = Upstreams(rest=Upstream("default", upstream.url, KEY)), [0.0]
    monkeypatch.setattr(listing, "monotonic", lambda: moment[0])
    counts = []
    for status, at in [(500, 0), (200, 14), (200, 16), (500, 75), (500, 77)]:
        upstream.be(status=status)
        moment[0] = float(at)
        counts.append((len(listing.served_models(there) or ()), len(upstream.asked)))
    assert counts == [(0, 1), (0, 1), (5, 2), (5, 2), (0, 3)]


def test_an_upstream_that_wants_it_otherwise_gets_its_key_so(upstream):
    listing.served_models(Upstreams(rest=Upstream("default", upstream.url, KEY, "x-api-key")))
    assert upstream.asked[0].headers["x-api-key"] == KEY
    assert "authorization" not in upstream.asked[0].headers


def test_a_name_that_is_no_name_is_left_out(upstream):
    upstream.be(body=b'{"data": [{"id": "good"}, {"id": 5}, {"id": ""}, {"id": "a\\u0000b"}, {"id": "good"}]}')
    assert listing.served_models(Upstreams(rest=Upstream("default", upstream.url, KEY))) == ("good",)


def test_where_each_upstream_has_its_list_nobody_is_asked(house, mia, upstream):
    Browser(InProcess(house())).sign_in(mia).get("/ui/models")
    assert upstream.asked == []


def test_anthropics_clients_may_list_models_with_the_header_they_know(curl, mia, upstream):
    key = make_key(mia).secret
    assert curl(None).get("/v1/models", headers={"x-api-key": key}).json["data"]
    assert curl(None).get("/v1/models", headers={"x-api-key": "sk-nobody"}).status == 401
