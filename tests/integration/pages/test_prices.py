"""Prices on the settings page: what was called without one, what admins set, what the public list says."""

from datetime import timedelta
from decimal import Decimal

import pytest

from selfserve.clock import now
from selfserve.models import AuditEvent, DailySpend, ModelPrice
from selfserve.prices import Price, rate_of
from selfserve.upstreams import Route, Upstreams
from tests.factories import change, make_key, make_price, make_user, rows, save
from tests.integration.pages.parts import errors, found, link, table, toast, typed, words
from tests.integration.pages.test_edit_at_once import MEANWHILE, both_ways

SAVE, DELETE = "/ui/settings/prices", "/ui/settings/prices/delete"
PRICE = {"input_price": "2.50", "output_price": "10"}


def made_unpriced_calls(model, calls, days_ago=0):
    """A day on which nobody knew what calls to a model cost."""
    owner = make_user()
    day = (now() - timedelta(days=days_ago)).date()
    told = {"user_pk": owner.id, "key_id": make_key(owner).row.id, "model": model, "day": day}
    save(DailySpend(**told, requests=calls, unpriced_requests=calls))


def price_rows():
    return {row.model: (row.prompt, row.completion, row.cached) for row in rows(ModelPrice)}


def events():
    return [event for event in rows(AuditEvent) if event.object_type == "price"]


@pytest.fixture
def page(browser, ada):
    """Ada's browser."""
    opened = browser(ada)
    opened.get("/ui/settings")
    return opened


def unpriced(answer):
    """What is said of models that were called without a price."""
    return words(found(answer, "unpriced"))


# -- called without a price -----------------------------------------------------------------------------------


def test_models_that_were_called_without_a_price_are_told_the_most_called_first(page):
    made_unpriced_calls("house-small", 3)
    made_unpriced_calls("house-large", 5, days_ago=29)
    made_unpriced_calls("house-large", 7)
    made_unpriced_calls("house-past", 9, days_ago=30)
    told = unpriced(page.get("/ui/settings"))
    assert "house-large 12 calls of unknown cost in the last 30 days" in told
    assert "house-small 3 calls" in told
    assert told.index("house-large") < told.index("house-small")
    assert "house-past" not in told


def test_one_that_has_a_price_by_now_is_not_asked_for(app, page, monkeypatch):
    for model in ("gpt-4o-mini", "priced-here", "priced-in-the-file"):
        made_unpriced_calls(model, 2)
    make_price("priced-here")
    cheap = Price("", "chat", rate_of(Decimal("1e-7"), Decimal(0), None))
    upstreams = app.config["UPSTREAMS"]
    route = Route("priced-in-the-file", upstreams.rest, "x", cheap)
    monkeypatch.setitem(app.config, "UPSTREAMS", Upstreams({"priced-in-the-file": route}, upstreams.rest))
    assert "Every model that was called in the last 30 days has a price." in unpriced(page.get("/ui/settings"))


@both_ways
def test_ada_sets_the_price_of_one_and_it_is_not_asked_for_any_more(page, htmx):
    made_unpriced_calls("house/large", 5)
    where = link(page.get("/ui/settings"), "Set price")
    page.get(where)
    assert page.form(SAVE).fields["model"] == "house/large"
    answer = page.submit(SAVE, htmx=htmx, **PRICE)
    if htmx:
        assert (answer.status, answer.headers["hx-retarget"]) == (200, "#prices-panel")
    else:
        answer = page.follow(answer)
    assert toast(answer) == "From now on house/large costs $2.50 in and $10.00 out per million tokens."
    assert "has a price" in unpriced(answer)
    assert price_rows() == {"house/large": ("0.0000025", "0.00001", None)}


# -- a price is set, changed, deleted -------------------------------------------------------------------------


def test_the_form_begins_with_what_the_model_costs_now(page):
    page.get(f"{SAVE}/edit?model=gpt-4o-mini")
    held = page.form(SAVE).fields
    assert [held[name] for name in ("input_price", "output_price", "cached_price")] == ["0.15", "0.6", "0.075"]
    assert "The public list says $0.15 in, $0.075 cached and $0.60 out" in page.page.words()


def test_what_is_set_wins_and_the_deed_is_written_down_before_and_after(page):
    make_price("gpt-4o-mini", "0.000001", "0.000002", "0.0000005")
    page.get(f"{SAVE}/edit?model=gpt-4o-mini")
    page.submit(SAVE, input_price="0.0378", output_price="4", cached_price="")
    assert price_rows() == {"gpt-4o-mini": ("0.0000000378", "0.000004", None)}
    (event,) = events()
    assert (event.action, event.object_id, event.actor_user_id) == ("price.updated", "gpt-4o-mini", "ada")
    assert (event.before["prompt"], event.after["prompt"]) == ("0.000001", "0.0000000378")
    told = page.get("/ui/account").html.words()
    assert "You set the price of gpt-4o-mini to $0.0378 in and $4.00 out per million tokens" in told


@both_ways
def test_without_it_the_model_costs_what_the_list_says_again(page, htmx):
    make_price("gpt-4o-mini")
    page.get(f"{SAVE}/edit?model=gpt-4o-mini")
    fields = page.form(SAVE).fields
    answer = page.post(DELETE, fields, htmx=htmx)
    answer = answer if htmx else page.follow(answer)
    assert toast(answer) == "gpt-4o-mini costs $0.15 in and $0.60 out per million tokens again."
    assert (price_rows(), [event.action for event in events()]) == ({}, ["price.deleted"])
    assert "You deleted the price of gpt-4o-mini" in page.get("/ui/account").html.words()


def test_without_it_a_model_that_no_list_knows_has_none(page):
    make_price("house")
    page.get(f"{SAVE}/edit?model=house")
    assert "without this price its calls count against no budget" in page.page.words()
    told = toast(page.follow(page.post(DELETE, page.form(SAVE).fields)))
    assert told == "house has no price any more: what it costs is recorded as unknown."
    assert page.post(DELETE, {"model": "house"}).status == 404


WRONG = [
    "",
    " ",
    "-1",
    "-0.0001",
    "NaN",
    "Infinity",
    "1e400",
    "1" * 60,
    "10000.01",
    "2,50",
    "$2",
    "two",
    "0x10",
    "١٠٠٠٠٠",
]


@pytest.mark.parametrize("amount", WRONG)
@pytest.mark.parametrize("field", ["input_price", "output_price"])
def test_what_is_no_price_is_refused_on_its_field_and_stays_typed(page, field, amount):
    page.get(f"{SAVE}/edit?model=house")
    answer = page.submit(SAVE, **PRICE | {field: amount})
    assert (answer.status, [*errors(answer)]) == (422, [field])
    assert typed(answer, SAVE)[field] == amount
    assert (price_rows(), events()) == ({}, [])


@pytest.mark.parametrize(
    ("amount", "stored"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("10000", "0.01"),
        (" 1e-3 ", "0.000000001"),
        ("0." + "3" * 60, "0.000000333333333333333333"),
        ("1e-400", "0"),
    ],
)
def test_what_is_one_is_stored_exactly_as_far_as_it_matters(page, amount, stored):
    page.get(f"{SAVE}/edit?model=house")
    assert page.submit(SAVE, **PRICE | {"input_price": amount}).status == 303
    assert price_rows()["house"][0] == stored


@pytest.mark.parametrize("model", ["", " ", "a" * 256, "a\x00b", "a\u202eb"])
def test_a_model_needs_a_name(page, model):
    page.get(f"{SAVE}/edit")
    answer = page.submit(SAVE, **PRICE | {"model": model})
    assert (answer.status, [*errors(answer)]) == (422, ["model"])


# -- two admins at once ---------------------------------------------------------------------------------------


@both_ways
def test_who_saves_second_is_told_and_nothing_is_lost(page, browser, htmx):
    make_price("house", "0.000001", "0.000002")
    page.get(f"{SAVE}/edit?model=house")
    lying = page.form(SAVE).fields
    other = browser(make_user("Bob", role="proxy_admin"))
    other.get(f"{SAVE}/edit?model=house")
    assert other.submit(SAVE, input_price="5").status == 303
    answer = page.post(SAVE, lying | {"output_price": "9"}, htmx=htmx)
    assert (answer.status, MEANWHILE in answer.html.words()) == (409, True)
    assert (typed(answer, SAVE)["input_price"], typed(answer, SAVE)["output_price"]) == ("5", "2")
    assert errors(answer) == {"input_price": "Your form said “1”.", "output_price": "Your form said “9”."}
    assert price_rows() == {"house": ("0.000005", "0.000002", None)}
    again = typed(answer, SAVE) | {"output_price": "9"}
    assert page.post(SAVE, again, htmx=htmx).status == (200 if htmx else 303)
    assert price_rows() == {"house": ("0.000005", "0.000009", None)}


def test_a_first_price_does_not_overwrite_one_that_was_set_meanwhile(page):
    page.get(f"{SAVE}/edit?model=house")
    lying = page.form(SAVE).fields
    make_price("house")
    assert page.post(SAVE, lying | PRICE).status == 409
    assert price_rows() == {"house": ("0.000002", "0.000008", None)}


@both_ways
def test_a_price_that_was_changed_meanwhile_is_not_deleted(page, htmx):
    make_price("house")
    page.get(f"{SAVE}/edit?model=house")
    lying = page.form(SAVE).fields
    make_price("house", "0.000003")
    answer = page.post(DELETE, lying, htmx=htmx)
    assert (answer.status, MEANWHILE in answer.html.words()) == (409, True)
    assert (typed(answer, SAVE)["input_price"], len(price_rows())) == ("3", 1)


# -- the search -----------------------------------------------------------------------------------------------


def test_first_are_the_prices_that_admins_set(page, ada):
    make_price("house")
    change(ada, alias="Ada L.")
    listed = table(page.get("/ui/settings"))
    assert [name.split(" ")[0] for name in listed] == ["house"]
    assert "Set by Ada L. just now" in words(listed[next(iter(listed))])


def test_a_search_finds_the_public_list_too_fifty_at_most(page):
    make_price("gpt-4o-mini")
    answer = page.get("/ui/settings?q=GPT-4o")
    assert [name.split(" ")[0] for name in table(answer)][:2] == ["gpt-4o", "gpt-4o-2024-05-13"]
    many = page.get("/ui/settings?q=gpt")
    assert (len(table(many)), "the first 50 are shown" in words(found(many, "results"))) == (50, True)
    part = page.get("/ui/settings?q=gpt-4o", htmx=True)
    assert (part.html.is_fragment, part.headers["hx-push-url"]) == (True, "/ui/settings?q=gpt-4o")
    assert "No model of that name has a price" in page.get("/ui/settings?q=%25_").html.words()


def test_the_search_is_kept_while_a_price_is_set(page):
    page.get(f"{SAVE}/edit?model=gpt-4o&q=gpt-4o")
    answer = page.post(page.form(SAVE).action, page.form(SAVE).fields | PRICE)
    assert answer.location == "/ui/settings?q=gpt-4o#prices"
