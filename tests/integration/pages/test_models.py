"""Which models somebody may call, by which key and at what price, and why one is missing."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from selfserve.clock import now
from tests.clients import Browser, InProcess
from tests.factories import make_key, make_keys, make_user
from tests.integration.pages.parts import count, found, link, table, words


@pytest.fixture
def page_of(house):
    """Open that portal's pages as somebody."""
    return lambda who: Browser(InProcess(house())).sign_in(who)


def cells(answer, model):
    """What is said of a model, by its column; what stands without one is the access."""
    row = next(row for name, row in table(answer).items() if name.startswith(model))
    shown = [cell for cell in row.iter("td") if cell.get("class") != "end-cell"]
    return {cell.get("data-label", "Access"): words(cell) for cell in shown}


def told(answer):
    """What is said of a model that is missing."""
    return words(found(answer, "missing"))


# -- the list ---------------------------------------------------------------------------------------------------


def test_mia_sees_what_she_may_call_by_which_key_and_at_what_price(page_of, mia):
    make_key(mia, "laptop")
    make_key(mia, "search", models=["text-embedding-*", "house-model"])
    answer = page_of(mia).get("/ui/models")
    assert answer.status == 200
    chat = cells(answer, "gpt-5-mini")
    assert (chat["Access"], chat["Keys"]) == ("Available", "laptop")
    assert (chat["Context"], chat["Input"], chat["Cached"], chat["Output"]) == ("272k", "$0.25", "$0.025", "$2.00")
    assert "OpenAI" in words(table(answer)[next(name for name in table(answer) if name.startswith("gpt-5-mini"))])
    assert cells(answer, "text-embedding-3-small")["Keys"] == "All 2"
    assert cells(answer, "text-embedding-3-small")["Output"] == "None"


def test_a_price_that_nobody_knows_is_said_to_be_unknown_never_nothing(page_of, mia):
    unknown = cells(page_of(mia).get("/ui/models"), "house-model")
    assert {unknown[name] for name in ("Context", "Input", "Cached", "Output")} == {"Unknown"}


def test_what_no_key_may_call_and_what_is_closed_to_mia_is_told_apart(page_of):
    pia = make_user("Pia", models=["gpt-5-mini", "claude-*"])
    make_key(pia, "laptop", models=["gpt-5-mini"])
    answer = page_of(pia).get("/ui/models")
    access = {name.split()[0]: cells(answer, name)["Access"] for name in table(answer)}
    assert access == {
        "gpt-5-mini": "Available",
        "claude-sonnet-4-5": "No key of yours",
        "house-model": "Not available to you",
        "text-embedding-3-small": "Not available to you",
    }
    assert next(iter(access)) == "gpt-5-mini"


@pytest.mark.parametrize(
    "columns",
    [
        {"is_blocked": True},
        {"expires_at": now() - timedelta(days=1)},
        {"deleted_at": now()},
        {"allowed_routes": ["management_routes"]},
        {"allowed_routes": ["/key/info"]},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_a_key_that_calls_nothing_opens_nothing(page_of, mia, columns):
    make_key(mia, "laptop", **columns)
    assert {cells(page_of(mia).get("/ui/models"), "gpt-5-mini")[name] for name in ("Access", "Keys")} == {
        "No key of yours",
        "None",
    }


def test_nobody_sees_a_key_of_somebody_else(page_of, mia, ada):
    """S-6: not even an admin: the page is about the own keys."""
    make_key(mia, "hers alone")
    assert "hers alone" not in page_of(ada).get("/ui/models").text


@pytest.mark.parametrize(
    ("query", "models"),
    [
        ("q=claude", ["claude-sonnet-4-5"]),
        ("q=ANTHROPIC", ["claude-sonnet-4-5"]),
        ("kind=embedding", ["text-embedding-3-small"]),
        ("kind=chat&q=5", ["claude-sonnet-4-5", "gpt-5-mini"]),
        ("show=others", []),
        ("show=mine&after=gpt-5-mini", ["house-model", "text-embedding-3-small"]),
    ],
)
def test_the_list_is_searched_and_filtered_by_its_address(page_of, mia, query, models):
    make_key(mia)
    answer = page_of(mia).get(f"/ui/models?{query}")
    assert [name.split()[0] for name in table(answer)] == sorted(models)


def test_a_long_list_has_pages(house, mia):
    names = [f"model-{number:03}" for number in range(120)]
    page = Browser(InProcess(house(names))).sign_in(mia)
    path, seen = "/ui/models", []
    while path:
        answer = page.get(path)
        seen += [name.split()[0] for name in table(answer)]
        path = link(answer, "Next")
    assert seen == names
    assert count(page.get("/ui/models?q=model-11")) == "10 models found. Show all"


# -- why one is missing -----------------------------------------------------------------------------------------


def test_why_a_model_is_missing_is_told(page_of):
    pia = make_user("Pia", models=["gpt-5-mini", "claude-*", "gpt-9"])
    page = page_of(pia)
    assert "You have no key that calls models" in told(page.get("/ui/models?missing=gpt-5-mini"))
    make_key(pia, "laptop", models=["gpt-5-mini"])
    assert "laptop may call it" in told(page.get("/ui/models?missing=gpt-5-mini"))
    assert "in the list of none of your keys" in told(page.get("/ui/models?missing=claude-sonnet-4-5"))
    assert "not in your list of models" in told(page.get("/ui/models?missing=house-model"))
    nowhere = told(page.get("/ui/models?missing=gpt-9"))
    assert "No upstream serves it" in nowhere
    assert "list of none of your keys" in nowhere


def test_a_search_that_finds_nothing_says_why(page_of, mia):
    answer = page_of(mia).get("/ui/models?q=gpt-9")
    assert "Why you cannot call gpt-9" in told(answer)
    assert "No upstream serves it" in told(answer)


def test_a_name_that_is_nearly_right_is_put_right(page_of, mia):
    answer = page_of(mia).get("/ui/models?missing=gpt5-mini")
    assert "Did you mean gpt-5-mini ?" in told(answer)
    assert link(answer, "gpt-5-mini") == "/ui/models?missing=gpt-5-mini"


def test_a_key_that_is_pasted_as_a_name_is_not_written_back(page_of, mia):
    """S-14: neither as a name nor as a search."""
    key, page = make_key(mia), page_of(mia)
    for word in ("q", "missing"):
        assert key.secret not in page.get(f"/ui/models?{word}={quote(key.secret)}").text


# -- without upstreams --------------------------------------------------------------------------------------------


def test_without_an_upstream_the_pages_say_so_and_an_admin_what_to_set(app_with, mia, ada):
    bare = app_with(upstream_base_url="", upstream_api_key="")
    for path in ("/ui/models", "/ui/quickstart"):
        for who, says in ((mia, "until an admin connects it"), (ada, "UPSTREAM_BASE_URL")):
            answer = Browser(InProcess(bare)).sign_in(who).get(path)
            assert answer.status == 200
            assert "The gateway is not set up." in answer.html.words()
            assert says in answer.html.words()
    answer = Browser(InProcess(bare)).sign_in(mia).get("/ui/models?missing=gpt-5")
    assert "No upstream is set up" in told(answer)
    assert "No models yet" in answer.html.words()


def test_where_another_gateway_takes_the_calls_nobody_says_that_it_is_missing(app_with, mia):
    elsewhere = app_with(upstream_base_url="", upstream_api_key="", selfserve_gateway_url="https://llm.example.com/v1")
    answer = Browser(InProcess(elsewhere)).sign_in(mia).get("/ui/models")
    assert "Calls go to https://llm.example.com/v1." in answer.html.words()
    assert "not set up" not in answer.html.words()


def test_fifty_keys_are_one_query(page_of, queries, mia):
    """A page asks as often for many keys as for one."""
    page = page_of(mia)
    page.get("/ui/models")
    counts = []
    for more in (1, 60):
        make_keys(mia, more)
        with queries() as sent:
            page.get("/ui/models")
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 4
