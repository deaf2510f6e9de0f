"""A key is made in a form above the list and shown once; a form that is refused keeps what was typed."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import ApiKey
from tests.factories import make_key, make_user, rows
from tests.html import SECRET
from tests.integration.pages.parts import count, errors, found, fragment, table, toast, typed, words

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])


@pytest.fixture
def page(browser, mia):
    """Mia, signed in."""
    return browser(mia)


def create(page, *, htmx=False, reveals=True, **fields):
    """Fill in the form as it was opened and send it."""
    page.get("/ui/keys/new")
    return page.submit("/ui/keys", htmx=htmx, reveals=reveals, **fields)


def test_the_form_opens_above_the_list_and_as_a_fragment_alone(page):
    answer = page.get("/ui/keys/new")
    assert (answer.status, found(answer, "key-create").tag) == (200, "form")
    opened = fragment(page.get("/ui/keys/new", htmx=True))
    assert (opened.id, opened.root.tag, [*opened.beside]) == ("key-create", "form", [])


def test_the_plain_form_shows_the_secret_in_the_page_with_201(page):
    answer = create(page, key_alias="laptop", expires="90d")
    assert (answer.status, answer.html.is_fragment) == (201, False)
    (secret,) = set(SECRET.findall(answer.text))
    assert words(found(answer, "secret")) == secret
    assert "laptop" in table(answer)
    assert rows(ApiKey)[0].expires_at - rows(ApiKey)[0].created_at == timedelta(days=90)


def test_htmx_gets_the_secret_in_the_panel_with_the_list_and_the_count_beside(page):
    answer = create(page, htmx=True, key_alias="laptop")
    made = fragment(answer)
    assert (answer.status, made.id, made.root.tag) == (201, "key-create", "section")
    assert {*made.beside} == {"results", "count"}
    assert len(set(SECRET.findall(answer.text))) == 1
    assert SECRET.search(words(made.root))
    assert "is-new" in table(answer)["laptop"].get("class")
    assert count(answer) == "1 key"
    assert made.root.get("hx-history") == "false"


def test_the_secret_is_in_no_later_page(page):
    secret = SECRET.search(create(page, key_alias="laptop").text)[0]
    for path in ("/ui/keys", "/ui/keys/new", f"/ui/keys/{rows(ApiKey)[0].id}/delete", "/ui/spend", "/ui/account"):
        assert secret not in page.get(path).text


@both_ways
def test_a_wrong_form_keeps_what_was_typed_and_names_each_field(page, htmx):
    fields = {
        "key_alias": "x" * 256, "expires": "custom", "expires_on": "soon", "models": "a, b", "max_budget": "much",
        "rpm_limit": "-1", "tpm_limit": "1e9", "budget_duration": "7d",
    }  # fmt: skip
    answer = create(page, htmx=htmx, reveals=False, **fields, may_manage="y")
    assert answer.status == 422
    assert {*errors(answer)} == {"key_alias", "expires_on", "max_budget", "rpm_limit", "tpm_limit"}
    kept = typed(answer, "/ui/keys")
    assert {name: kept[name] for name in fields} == fields
    assert kept["may_manage"] == "y"
    assert found(answer, "key-create") is not None
    assert all(sentence.endswith(".") and sentence[0].isupper() for sentence in errors(answer).values())
    assert rows(ApiKey) == []


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"key_alias": ""}, "key_alias", "needed"),
        ({"key_alias": "   "}, "key_alias", "must not be empty"),
        ({"key_alias": "a\0b"}, "key_alias", "control characters"),
        ({"expires": "never"}, "expires", "must be one of"),
        ({"expires": "custom", "expires_on": ""}, "expires_on", "Pick the day"),
        ({"expires": "custom", "expires_on": "2020-01-01"}, "expires_on", "not over yet"),
        ({"expires": "custom", "expires_on": "2999-01-01"}, "expires_on", "within ten years"),
        ({"expires": "custom", "expires_on": "0001-01-01"}, "expires_on", "not over yet"),
        ({"max_budget": "-1"}, "max_budget", "amount in dollars"),
        ({"max_budget": "1e400"}, "max_budget", "amount in dollars"),
        ({"budget_duration": "1s"}, "budget_duration", "must be one of"),
        ({"rpm_limit": str(2**63)}, "rpm_limit", "or less"),
        ({"models": ",".join(["m"] * 201)}, "models", "at most 200"),
    ],
)
def test_one_wrong_field_is_told_in_one_sentence(page, fields, field, sentence):
    answer = create(page, reveals=False, **{"key_alias": "laptop", "expires": "30d"} | fields)
    assert (answer.status, [*errors(answer)]) == (422, [field])
    assert sentence in errors(answer)[field]
    assert rows(ApiKey) == []


@both_ways
def test_a_name_that_is_taken_is_told_on_the_name(page, mia, htmx):
    make_key(mia, "laptop")
    answer = create(page, htmx=htmx, reveals=False, key_alias="laptop")
    assert (answer.status, [*errors(answer)]) == (422, ["key_alias"])
    assert "already have a key called “laptop”" in errors(answer)["key_alias"]
    assert len(rows(ApiKey)) == 1


def test_what_is_typed_is_what_is_made(page):
    last_day = now().date() + timedelta(days=10)
    create(
        page, key_alias=" laptop ", expires="custom", expires_on=last_day.isoformat(), models="gpt-5-mini, , o4",
        max_budget="12.50", budget_duration="1mo", rpm_limit="60", tpm_limit="1000",
    )  # fmt: skip
    (key,) = rows(ApiKey)
    assert (key.alias, key.models, key.max_budget, key.budget_duration) == (
        "laptop", ["gpt-5-mini", "o4"], 12_500_000_000, "1mo")  # fmt: skip
    assert (key.rpm_limit, key.tpm_limit, key.key_type, key.created_by) == (60, 1_000, "llm_api", "mia")
    assert key.expires_at.date() == last_day
    assert (key.expires_at + timedelta(minutes=2)).date() > last_day


def test_a_key_that_may_manage_is_asked_for_by_a_tick(page):
    create(page, key_alias="manager", may_manage="y")
    assert rows(ApiKey)[0].key_type == "default"


def test_mia_with_a_list_of_models_ticks_among_them(browser):
    page = browser(make_user("Pia", models=["gpt-5-mini", "o4"]))
    answer = page.get("/ui/keys/new")
    named = [box for box in answer.html.all("input") if box.get("name") == "models"]
    boxes = [box.get("value") for box in named if box.get("type") == "checkbox"]
    assert boxes == ["gpt-5-mini", "o4"]
    assert page.submit("/ui/keys", key_alias="one", models=["o4"], reveals=True).status == 201
    page.get("/ui/keys/new")
    refused = page.submit("/ui/keys", key_alias="two", models=["claude-sonnet-4-5", "o4"])
    assert (refused.status, [*errors(refused)]) == (422, ["models"])
    assert [key.models for key in rows(ApiKey)] == [["o4"]]


@both_ways
def test_a_form_that_is_sent_twice_makes_one_key_and_says_so(page, htmx):
    page.get("/ui/keys/new")
    fields = page.form("/ui/keys").fields | {"key_alias": "laptop"}
    assert page.post("/ui/keys", fields, htmx=htmx, reveals=True).status == 201
    again = page.post("/ui/keys", fields | {"key_alias": "another"}, htmx=htmx)
    where = again.headers["hx-redirect"] if htmx else again.location
    assert (again.status, where) == (204 if htmx else 303, "/ui/keys")
    assert "already made and shown" in toast(page.get("/ui/keys"))
    assert [key.alias for key in rows(ApiKey)] == ["laptop"]
