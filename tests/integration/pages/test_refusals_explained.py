"""Every refusal of a call, as it really comes out of the door, is recognised by the page that explains them."""

from datetime import timedelta

import pytest

from selfserve import minting
from selfserve.clock import now
from tests.application import MASTER_KEY
from tests.clients import Browser, Curl, InProcess
from tests.factories import make_key, make_rotating_key, make_user
from tests.integration.pages.test_refused import ask, cards, told

CALL = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "ping"}]}
YESTERDAY = timedelta(days=-1)
WORKS = "“laptop” can be used now"


def refused(door, body=None, status=None):
    """Call a model in vain; give what a tool would print."""
    answer = door.post("/v1/chat/completions", CALL if body is None else body)
    assert answer.status == status, answer.text
    return f"Error code: {answer.status} - {answer.text}"


@pytest.mark.parametrize(
    ("columns", "status", "headings"),
    [
        ({"is_blocked": True}, 401, ["The key is blocked"]),
        ({"expires_at": now() + YESTERDAY}, 401, ["The key has expired"]),
        ({"allowed_routes": ["management_routes"]}, 403, ["The key does not call models"]),
        ({"models": ["gpt-5-mini"]}, 403, ["The model is not allowed"]),
        ({"max_budget": 5, "window_spend": 5}, 429, ["The key’s budget is used up"]),
        ({"max_budget": 5}, 429, ["The key’s budget is used up"]),
        ({"rpm_limit": 0}, 429, ["Too many calls or tokens in a minute"]),
        ({"tpm_limit": 0}, 429, ["Too many calls or tokens in a minute"]),
        ({"max_parallel_requests": 0}, 429, ["Too many calls at once"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_a_key_is_refused_for_is_recognised(browser, curl, mia, upstream, columns, status, headings):
    key = make_key(mia, "laptop", **columns)
    answer = ask(browser(mia), refused(curl(key.secret), status=status))
    named = "laptop" in told(answer)
    assert cards(answer) in (headings, [*headings, WORKS])
    assert named == (key.secret[-4:] in refused(curl(key.secret), status=status))


@pytest.mark.parametrize(
    ("token", "status", "heading"),
    [
        (None, 401, "The call brought no key"),
        ("not-a-key", 401, "What was sent is no key"),
        (minting.mint_key(), 401, "There is no such key"),
        (MASTER_KEY, 403, "The master key calls no models"),
    ],
    ids=["none", "malformed", "unknown", "master"],
)
def test_what_comes_without_a_key_of_somebody_is_recognised(browser, curl, mia, upstream, token, status, heading):
    assert cards(ask(browser(mia), refused(curl(token), status=status))) == [heading]


def test_a_secret_that_was_rotated_and_an_owner_who_is_blocked(browser, curl, ada, mia, rex, upstream):
    over = make_rotating_key(mia, "laptop", lasts=YESTERDAY)
    assert cards(ask(browser(mia), refused(curl(over.former), status=401))) == ["The secret was rotated"]
    theirs = make_key(rex)
    assert cards(ask(browser(ada), refused(curl(theirs.secret), status=401))) == ["The owner of the key is blocked"]


def test_the_budget_of_a_person(browser, curl, upstream):
    pia = make_user("Pia", max_budget=10**9, window_spend=10**9)
    answer = ask(browser(pia), refused(curl(make_key(pia).secret), status=429))
    assert cards(answer) == ["The owner’s budget is used up"]


def test_what_the_upstream_fails_at_and_what_nobody_serves(browser, curl, mia, upstream, house):
    key, page = make_key(mia), browser(mia)
    upstream.be(status=500)
    assert cards(ask(page, refused(curl(key.secret), status=502))) == ["The model’s server failed"]
    door = Curl(InProcess(house()), key.secret)
    assert cards(ask(page, refused(door, CALL | {"model": "gpt-9"}, 404))) == ["No upstream serves the model"]
    assert cards(ask(page, refused(curl(key.secret), {"model": "gpt-5-mini"}, 422))) == ["The call could not be read"]


def test_what_the_upstream_refuses_is_no_limit_of_the_key(browser, curl, mia, upstream):
    door, page = curl(make_key(mia).secret), browser(mia)
    upstream.be(status=429, body=b'{"error": {"message": "Rate limit reached."}}')
    assert cards(ask(page, refused(door, status=429))) == ["The model’s server is asked too much"]
    upstream.be(status=404, body=b'{"error": {"message": "The model does not exist."}}')
    assert cards(ask(page, refused(door, status=404))) == ["There is no such address or model"]


@pytest.mark.parametrize(
    ("printed", "heading"),
    [
        (
            "As many calls as this portal passes on at once are on their way.",
            "The portal is busy or its database is away",
        ),
        ("curl: (7) Failed to connect to localhost port 4000: Connection refused", "The portal was not reached"),
        ("openai.APIConnectionError: Connection error.", "The portal was not reached"),
    ],
)
def test_what_people_paste_first_is_known(browser, mia, printed, heading):
    assert cards(ask(browser(mia), printed)) == [heading]


def test_a_gateway_that_is_not_set_up(app_with, mia):
    bare = app_with(upstream_base_url="", upstream_api_key="")
    printed = refused(Curl(InProcess(bare), make_key(mia).secret), status=503)
    assert cards(ask(Browser(InProcess(bare)).sign_in(mia), printed)) == ["The gateway is not set up"]
