"""Why was my call refused? What is pasted is explained, and shown nowhere again."""

from datetime import timedelta

import pytest

from selfserve import minting
from selfserve.clock import now
from tests.factories import make_key, make_open_call, make_rotating_key, make_user
from tests.integration.pages.parts import errors, found, fragment, words
from tests.integration.security.actions import token_of

pytestmark = pytest.mark.any_database

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
HOUR, SPENT = timedelta(hours=1), 5 * 10**9


@pytest.fixture
def page(browser, mia):
    """Mia, signed in."""
    return browser(mia)


def ask(page, pasted, **how):
    """Paste something and ask why."""
    page.get("/ui/refused")
    answer = page.submit("/ui/refused", pasted=pasted, **how)
    assert answer.status == 200, answer.text
    return answer


def told(answer):
    """Everything that is answered."""
    return words(found(answer, "refusals"))


def cards(answer):
    """The headings of the cards."""
    return [words(element) for element in found(answer, "refusals").iter("h2")][1:]


def printed(message, type_, status):
    """Write an error as the SDKs print it."""
    error = {"message": message, "type": type_, "param": None, "code": str(status)}
    return f"Error code: {status} - {{'error': {error}}}"


# -- what the error says ----------------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize(
    ("status", "type_", "message", "heading"),
    [
        (401, "auth_error", "Authentication Error, No api key passed in.", "The call brought no key"),
        (401, "auth_error", "the key must start with 'sk-'.", "What was sent is no key"),
        (502, "upstream_error", "The model's server failed (500).", "The model’s server failed"),
        (504, "upstream_timeout", "did not answer in time", "The model’s server took too long"),
        (503, "service_unavailable_error", "Try again in a second.", "The portal is busy or its database is away"),
        (404, "not_found_error", "No upstream serves the model gpt-9.", "No upstream serves the model"),
        (422, "validation_error", "messages: is needed.", "The call could not be read"),
        (429, "budget_exceeded", "Budget has been exceeded! User=mia", "The owner’s budget is used up"),
        (
            429,
            "budget_exceeded",
            "$1 is held by calls that run now.",
            "The rest of the budget is held by calls that run",
        ),
    ],
)
def test_an_error_without_a_key_is_explained_by_what_it_says(page, status, type_, message, heading, htmx):
    answer = ask(page, printed(message, type_, status), htmx=htmx)
    assert cards(answer) == [heading]
    assert "What to do" in told(answer)
    assert not htmx or fragment(answer).id == "refused"


@both_ways
@pytest.mark.parametrize("pasted", ["", " ", "x" * 20_001])
def test_nothing_and_too_much_are_refused_in_the_form(page, pasted, htmx):
    page.get("/ui/refused")
    answer = page.submit("/ui/refused", pasted=pasted, htmx=htmx)
    if pasted == " ":
        assert "Nothing we know" in told(answer)
    else:
        assert (answer.status, [*errors(answer)]) == (422, ["pasted"])


def test_what_is_none_of_our_errors_is_said_to_be_unknown(page):
    assert "Nothing we know" in told(ask(page, "Segmentation fault (core dumped)"))


# -- the key that it names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "heading", "says"),
    [
        ({"is_blocked": True, "blocked_by": "Ada"}, "The key is blocked", "laptop is blocked by Ada"),
        ({"is_blocked": True, "is_blocked_by_admin": True}, "The key is blocked", "it was an admin who did it"),
        ({"expires_at": now() - HOUR}, "The key has expired", "1 hour ago"),
        ({"deleted_at": now() - HOUR}, "The key is deleted", "laptop was deleted"),
        ({"allowed_routes": ["management_routes"]}, "The key does not call models", "Use a key that calls models"),
        (
            {"max_budget": SPENT, "window_spend": SPENT, "budget_duration": "1d", "budget_reset_at": now() + HOUR},
            "The key’s budget is used up",
            "has spent $5.00 of its $5.00 a day. Starts again",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_key_that_is_named_by_its_end_is_told_as_it_is_now(page, mia, columns, heading, says):
    key = make_key(mia, "laptop", **columns)
    for pasted in (key.secret[-4:], f"sk-...{key.secret[-4:]}", f"Received API Key = sk-...{key.secret[-4:]}."):
        answer = ask(page, pasted)
        assert cards(answer) == [heading]
        assert says in told(answer)


def test_the_budget_of_a_person_is_told_with_every_key_of_theirs(browser):
    pia = make_user("Pia", max_budget=10**9, window_spend=2 * 10**9)
    key = make_key(pia, "laptop")
    answer = ask(browser(pia), printed(f"Budget has been exceeded! User=pia sk-...{key.secret[-4:]}", "x", 429))
    assert cards(answer) == ["The owner’s budget is used up"]
    assert "The keys of you together have spent $2.00 of $1.00 in total" in told(answer)


def test_a_key_that_works_is_said_to_work_beside_what_the_error_says(page, mia):
    key = make_key(mia, "laptop", models=["gpt-5-mini"], rpm_limit=60, max_parallel_requests=4)
    end = key.secret[-4:]
    assert cards(ask(page, end)) == ["“laptop” can be used now"]
    answer = ask(page, printed(f"Rate limit exceeded for key laptop (sk-...{end}).", "throttling_error", 429))
    assert cards(answer) == ["Too many calls or tokens in a minute", "“laptop” can be used now"]
    assert "laptop has 60 requests a minute, 4 calls at once" in told(answer)
    answer = ask(page, printed(f"This key may not call gpt-9. sk-...{end}", "key_model_access_denied", 403))
    assert cards(answer)[0] == "The model is not allowed"
    assert "laptop may call gpt-5-mini" in told(answer)


def test_what_running_calls_hold_is_told(page, mia):
    key = make_key(mia, "laptop", max_budget=SPENT, window_spend=10**9, max_parallel_requests=1)
    make_open_call(key.row, reserved=2 * 10**9)
    held = ask(page, printed(f"sk-...{key.secret[-4:]}: $2 is held by calls that run.", "budget_exceeded", 429))
    assert cards(held)[0] == "The rest of the budget is held by calls that run"
    assert "laptop has spent $1.00 of $5.00; $2.00 is held by 1 running call." in told(held)
    busy = ask(page, printed(f"sk-...{key.secret[-4:]} Limit type: parallel requests.", "throttling_error", 429))
    assert "laptop has 1 call at once; 1 call now on the way." in told(busy)


def test_an_old_secret_is_told_from_the_new_one(page, mia):
    over, open_ = make_rotating_key(mia, "over", lasts=-HOUR), make_rotating_key(mia, "open")
    answer = ask(page, f"sk-...{over.former[-4:]}")
    assert cards(answer) == ["The secret was rotated"]
    assert f"a new secret that ends in …{over.secret[-4:]}" in told(answer)
    assert cards(ask(page, over.secret[-4:])) == ["“over” can be used now"]
    assert "is the old one. It works until" in told(ask(page, open_.former[-4:]))


# -- a whole key ------------------------------------------------------------------------------------------------


@both_ways
def test_a_whole_key_is_found_warned_of_and_not_shown(page, mia, htmx):
    """S-14: not in the answer, not in an address, of its letters only the last four (S-15)."""
    key = make_key(mia, "laptop")
    for pasted in (key.secret, f"export OPENAI_API_KEY={key.secret}\n", f'{{"key": "{key.secret}"}}'):
        answer = ask(page, pasted, htmx=htmx)
        assert f"That is a whole key (sk-ss_…{key.secret[-4:]})" in told(answer)
        assert cards(answer) == ["“laptop” can be used now"]
        assert key.secret not in answer.text + str(answer.headers)
        assert key.secret[6:12] not in answer.text


def test_a_key_that_lacks_letters_is_told_from_an_unknown_one(page):
    secret = minting.mint_key()
    assert "The key that is named is none of yours." in told(ask(page, secret))
    assert "letters are missing or wrong" in told(ask(page, secret[:-1]))


@both_ways
@pytest.mark.parametrize("pasted", ["<script>alert(1)</script>", '"><img src=x>', "{{7*7}}", "sk-<b>x</b>"])
def test_nothing_of_what_is_pasted_comes_back(page, pasted, htmx):
    """S-27: not even as text."""
    assert pasted not in ask(page, pasted * 3, htmx=htmx).text


# -- whose ------------------------------------------------------------------------------------------------------


def test_otto_learns_nothing_of_mias_key_by_any_name(browser, mia, otto):
    """S-6: her key and no key are answered alike."""
    hers, page = make_key(mia, "hers alone", is_blocked=True), browser(otto)
    none = minting.mint_key()
    for name in (lambda secret: secret, minting.fingerprint, lambda secret: f"sk-...{secret[-4:]}"):
        answers = [told(ask(page, name(secret))) for secret in (hers.secret, none)]
        assert answers[0].replace(hers.secret[-4:], "") == answers[1].replace(none[-4:], "")
    assert "hers alone" not in ask(page, hers.row.id).text


@pytest.mark.parametrize("who", ["ada", "vera"])
def test_an_admin_looks_at_anybodys_key_by_id_hash_or_secret(browser, request, mia, who):
    key, page = make_key(mia, "laptop", is_blocked=True), browser(request.getfixturevalue(who))
    for name in (key.row.id, key.row.token, key.secret):
        answer = ask(page, name)
        assert cards(answer) == ["The key is blocked"]
        assert "laptop of Mia" in told(answer)
    assert "none of your own ends like that" in told(ask(page, f"sk-...{key.secret[-4:]}"))


def test_an_address_never_holds_what_is_asked(page, mia):
    """S-14: a GET reads nothing but the page."""
    key = make_key(mia)
    answer = page.get(f"/ui/refused?pasted={key.secret}")
    assert (answer.status, told(answer)) == (200, "")
    assert key.secret not in answer.text


def test_it_asks_seldom_however_much_is_pasted(page, queries, mia):
    """S-32: five names of each kind are looked up, in three statements with finding out who asks."""
    keys = [make_key(mia, f"key {number}") for number in range(30)]
    token = token_of(page)
    page.post("/ui/refused", {"pasted": "x"} | token)
    with queries() as sent:
        answer = page.post("/ui/refused", {"pasted": "\n".join(key.secret for key in keys)} | token)
    assert len(cards(answer)) == 5
    assert len(sent) <= 3
