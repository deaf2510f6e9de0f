"""Test this key: a small call of the key's own, without its secret, paid and recorded like any other."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.gateway import listing
from selfserve.gateway.trial import AGENT
from selfserve.models import Call, OpenCall
from tests.answers import COMPLETION, PROMPT
from tests.clients import Browser, InProcess
from tests.factories import change, make_key, make_user, reload, rows, save
from tests.integration.pages.parts import found, fragment, toast, words
from tests.integration.security.actions import token_of
from tests.upstream import KEY, MODELS

pytestmark = pytest.mark.any_database

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
NOBODY = "00000000-0000-4000-8000-000000000000"
COST = (PROMPT - 4) * 150 + 4 * 75 + COMPLETION * 600
"""Of gpt-4o-mini in nano-dollars, with four cached tokens."""


def address_of(key_id):
    """The address of a test."""
    return f"/ui/keys/{key_id}/test"


def try_it(page, key, model="gpt-4o-mini", *, htmx=True):
    """Press the button on the key's page."""
    page.get(f"/ui/keys/{key.row.id}")
    return page.submit(address_of(key.row.id), model=model, htmx=htmx)


def told(page, answer):
    """What is said of a test, beside the button or on the page that follows."""
    if answer.status == 303:
        return toast(page.follow(answer))
    assert fragment(answer).id == "key-test"
    return words(found(answer, "key-test"))


# -- it works ---------------------------------------------------------------------------------------------------


@both_ways
def test_status_time_and_cost_are_told_and_the_call_is_one_of_the_keys_own(browser, mia, upstream, htmx):
    key, page = make_key(mia, "laptop"), browser(mia)
    said = told(page, try_it(page, key, htmx=htmx))
    assert "works" in said
    assert "gpt-4o-mini answered" in said
    assert " ms" in said
    assert f"for $0.{COST:09}".rstrip("0") in said
    (call,) = rows(Call)
    assert (call.key_id, call.user_pk, call.model, call.cost) == (key.row.id, mia.id, "gpt-4o-mini", COST)
    assert (call.status, call.user_agent, call.is_failed) == (200, AGENT, False)
    assert (reload(key.row).spend, reload(mia).spend) == (COST, COST)
    assert rows(OpenCall) == []


def test_the_upstream_gets_a_small_call_with_our_key_and_nothing_of_the_browser(browser, mia, upstream):
    """S-35: neither the cookie nor the key of the person; the key's secret is nowhere near."""
    key = make_key(mia)
    page = browser(mia)
    try_it(page, key)
    got = upstream.last
    assert got.headers["authorization"] == f"Bearer {KEY}"
    assert "cookie" not in got.headers
    assert got.body["max_tokens"] == 64
    assert key.secret not in str(got)


@pytest.mark.parametrize(
    ("model", "path", "limit"),
    [
        ("gpt-5-mini", "/v1/chat/completions", "max_completion_tokens"),
        ("house-model", "/v1/chat/completions", "max_tokens"),
        ("text-embedding-3-small", "/v1/embeddings", None),
    ],
)
def test_the_call_fits_what_the_model_is_for(browser, mia, upstream, model, path, limit):
    page = browser(mia)
    said = told(page, try_it(page, make_key(mia), model))
    assert "It works." in said
    assert upstream.last.path == path
    assert limit is None or upstream.last.body[limit] == 64
    assert ("at a cost that nobody knows" in said) == (model == "house-model")


# -- it is refused ----------------------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"is_blocked": True}, ("401", "Key is blocked")),
        ({"expires_at": now() - timedelta(days=1)}, ("401", "Expired Key")),
        ({"max_budget": 5, "window_spend": 5}, ("429", "Budget has been exceeded!")),
        ({"models": ["gpt-5-mini"]}, ("403", "may not call gpt-4o-mini")),
        ({"rpm_limit": 0}, ("429", "Limit type: requests")),
        ({"allowed_routes": ["management_routes"]}, ("403", "may only call management_routes")),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_refusal_is_told_and_nothing_is_sent_or_recorded(browser, mia, upstream, columns, says, htmx):
    key, page = make_key(mia, "laptop", **columns), browser(mia)
    token = token_of(page)
    answer = page.post(address_of(key.row.id), {"model": "gpt-4o-mini"} | token, htmx=htmx)
    said = told(page, answer)
    assert all(each in said for each in says), said
    assert (upstream.got, rows(Call), rows(OpenCall)) == ([], [], [])


def test_without_an_upstream_it_says_what_to_set(app_with, mia):
    key = make_key(mia)
    page = Browser(InProcess(app_with(upstream_base_url="", upstream_api_key=""))).sign_in(mia)
    said = told(page, try_it(page, key, "gpt-5-mini"))
    assert "503" in said
    assert "UPSTREAM_BASE_URL" in said


def test_a_failure_of_the_upstream_is_told_and_recorded(browser, mia, upstream):
    page = browser(mia)
    page.get("/ui/models")
    upstream.be(status=500, body=b'{"error": {"message": "Out of order"}}')
    said = told(page, try_it(page, make_key(mia)))
    assert "Failed: 502 upstream_error." in said
    (call,) = rows(Call)
    assert (call.is_failed, call.status, call.cost) == (True, 500, 0)


# -- whose, and how often -----------------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize("who", ["otto", "ada", "vera"])
def test_nobody_tests_a_key_of_somebody_else_not_even_an_admin(browser, request, mia, upstream, who, htmx):
    """S-6: it would cost its owner; answered like a key that there is not."""
    key, page = make_key(mia), browser(request.getfixturevalue(who))
    token = token_of(page)
    answers = [
        page.post(address_of(key_id), {"model": "gpt-4o-mini"} | token, htmx=htmx) for key_id in (key.row.id, NOBODY)
    ]
    assert [answer.status for answer in answers] == [404, 404]
    assert words(answers[0].html.tree).split("Request")[0] == words(answers[1].html.tree).split("Request")[0]
    assert (upstream.got, rows(Call)) == ([], [])


def test_a_viewer_tests_their_own_key(browser, ivo, upstream):
    page = browser(ivo)
    assert "It works." in told(page, try_it(page, make_key(ivo)))


def test_while_one_runs_another_is_refused(browser, mia, upstream):
    key, page = make_key(mia), browser(mia)
    token, moment = token_of(page), now()
    running = OpenCall(
        request_id="a test", key_id=key.row.id, user_pk=mia.id, model="x", provider="default", started_at=moment,
        lapses_at=moment + timedelta(minutes=1), reserved=0, user_agent=AGENT,
    )  # fmt: skip
    save(running)
    answer = page.post(address_of(key.row.id), {"model": "gpt-4o-mini"} | token, htmx=True)
    assert (answer.status, upstream.got) == (409, [])
    change(running, user_agent="OpenAI/Python")
    assert page.post(address_of(key.row.id), {"model": "gpt-4o-mini"} | token, htmx=True).status == 200


# -- the form -----------------------------------------------------------------------------------------------------


def choices(answer):
    """The models that can be chosen."""
    return [option.text for option in found(answer, "test-model").iter("option")]


def test_all_models_that_the_key_may_call_can_be_chosen(browser, mia, upstream):
    assert sorted(choices(browser(mia).get(f"/ui/keys/{make_key(mia).row.id}"))) == sorted(MODELS)
    two = make_key(mia, models=["house-model", "gpt-5-mini"])
    assert choices(browser(mia).get(f"/ui/keys/{two.row.id}")) == ["house-model", "gpt-5-mini"]


def test_one_model_needs_no_choice_and_where_none_is_known_a_name_is_asked(browser, mia, upstream):
    page = browser(mia)
    one = page.get(f"/ui/keys/{make_key(mia, models=['gpt-5-mini']).row.id}")
    assert found(one, "test-model") is None
    assert "One small call to gpt-5-mini." in words(found(one, "key-test"))
    upstream.be(status=500)
    listing._told.clear()
    assert found(page.get(f"/ui/keys/{make_key(mia).row.id}"), "test-model").tag == "input"


@both_ways
def test_the_new_secret_is_not_lost_by_a_test_without_javascript(browser, mia, upstream, htmx):
    """The form opens a tab of its own, and does not hold the secret (S-14)."""
    page = browser(mia)
    page.get("/ui/keys/new")
    shown = page.submit("/ui/keys", key_alias="laptop", reveals=True, htmx=htmx)
    form = found(shown, "key-test").find("form")
    assert form.get("target") == "_blank"
    assert "sk-ss_" not in "".join(element.get("value", "") for element in form.iter("input"))


def test_who_may_not_use_a_key_sees_no_button(browser, ada, mia):
    key, other = make_key(mia), make_key(mia, allowed_routes=["management_routes"])
    assert found(browser(ada).get(f"/ui/keys/{key.row.id}"), "key-test") is None
    assert found(browser(mia).get(f"/ui/keys/{other.row.id}"), "key-test") is None


def test_a_test_asks_the_database_as_seldom_as_it_can(browser, mia, upstream, queries):
    pia = make_user("Pia", max_budget=10**9)
    key, page = make_key(pia, rpm_limit=100), browser(pia)
    token = token_of(page)
    page.post(address_of(key.row.id), {"model": "gpt-4o-mini"} | token, htmx=True)
    with queries() as sent:
        page.post(address_of(key.row.id), {"model": "gpt-4o-mini"} | token, htmx=True)
    assert len(sent) <= 15, sent
