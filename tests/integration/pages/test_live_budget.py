"""The bar of a budget: what is spent, what running calls hold, where somebody wanted to be warned; it moves alone."""

from datetime import UTC, datetime, timedelta

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.errors import Unavailable
from selfserve.models import Session
from selfserve.services import holds
from tests.factories import change, make_key, make_open_call, rows
from tests.integration.pages.parts import found, fragment, table, words
from tests.integration.pages.spending import DOLLAR, NOBODY, SVG, days_of

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)
MONTH = {"max_budget": 10 * DOLLAR, "budget_duration": "1mo", "budget_reset_at": datetime(2026, 7, 1, tzinfo=UTC)}


@pytest.fixture(autouse=True)
def clock():
    """It is a Wednesday in June, at noon."""
    with travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def key(mia):
    """Mia's key has spent 2 of its 10 dollars, and two of its calls run; a third was cut off by a crash."""
    change(mia, **MONTH, window_spend=2 * DOLLAR)
    row = make_key(mia, "laptop", **MONTH, window_spend=2 * DOLLAR).row
    make_open_call(row, reserved=DOLLAR)
    make_open_call(row, reserved=DOLLAR // 2)
    make_open_call(row, reserved=5 * DOLLAR, lapses_at=NOON - timedelta(seconds=1))
    return row


def asks(answer):
    """Where the page asks by itself."""
    element = found(answer, "live")
    return None if element is None else element.get("hx-get")


def bar(element):
    """What a bar says, and how far its parts reach."""
    drawn = element.find(f".//{SVG}svg")
    return drawn.get("aria-label"), [rect.get("width") for rect in drawn.iter(f"{SVG}rect")]


def test_the_bar_of_a_key_shows_what_is_spent_and_what_running_calls_hold(browser, mia, key):
    page = browser(mia)
    cell = table(page.get("/ui/keys"))["laptop"]
    assert bar(cell) == ("20 % of the budget used, 15 % held by running calls", ["35%", "20%"])
    assert "$2.00 of $10.00 $1.50 held by 2 running calls" in words(cell)
    card = found(page.get(f"/ui/keys/{key.id}"), f"budget-{key.id}")
    assert bar(card)[0].startswith("20 % of the June budget used, 15 % held by running calls")
    assert "$1.50 held by 2 running calls." in words(card)


def test_that_of_a_person_counts_the_calls_of_all_their_keys(browser, ada, mia, otto, key):
    make_open_call(make_key(mia).row, reserved=DOLLAR)
    make_open_call(make_key(otto).row, reserved=DOLLAR)
    days_of(mia, ("gpt", 0, 2, {}))
    page = browser(mia)
    assert "$2.50 held by 3 running calls" in words(found(page.get("/ui/keys"), "my-budget"))
    boss = browser(ada)
    for ask, who in (("/ui/spend", page), (f"/ui/spend?user={mia.id}&range=7d", boss), (f"/ui/users/{mia.id}", boss)):
        assert bar(found(who.get(ask), f"budget-{mia.id}"))[0].startswith("20 % of the June budget used, 25 % held")


@pytest.mark.parametrize(("soft", "past"), [(3, False), (2, True), (1, True)])
def test_past_a_soft_budget_it_is_amber_and_says_so(browser, mia, key, soft, past):
    change(key, soft_budget=soft * DOLLAR)
    page = browser(mia)
    row, card = table(page.get("/ui/keys"))["laptop"], found(page.get(f"/ui/keys/{key.id}"), f"budget-{key.id}")
    for element in (row, card):
        assert ("warn" in element.find(f".//{SVG}svg").get("class")) is past
        assert [line.get("x1") for line in element.iter(f"{SVG}line")] == [f"{soft}0%"]
        assert ("Past its soft budget" in words(element)) is past
    assert past or "Soft budget $3.00" in words(card)


def test_my_keys_move_by_themselves_and_say_nothing_while_nothing_moves(browser, mia, key):
    page = browser(mia)
    first = page.get(asks(page.get("/ui/keys")), htmx=True)
    assert bar(found(first, f"spend-{key.id}"))[1] == ["35%", "20%"]
    again = asks(first)
    assert (page.get(again, htmx=True).status, page.get(again, htmx=True).body) == (204, b"")
    change(key, window_spend=4 * DOLLAR)
    moved = page.get(again, htmx=True)
    assert bar(found(moved, f"spend-{key.id}"))[1] == ["55%", "40%"]
    assert asks(moved) != again
    assert {element.get("hx-swap-oob") for element in moved.html.all("span", "p") if element.get("id")} == {"true"}
    assert "$2.00 of your $10.00" in words(found(moved, "my-budget"))


@pytest.mark.parametrize("place", ["key", "spend", "spend?range=7d"])
def test_so_do_the_page_of_a_key_and_that_of_spend(browser, mia, key, place):
    days_of(mia, ("gpt", 0, 2, {}), key=key)
    page, row = browser(mia), key if place == "key" else mia
    address = f"/ui/keys/{key.id}" if place == "key" else f"/ui/{place}"
    told = page.get(asks(page.get(address)), htmx=True)
    assert found(told, f"budget-{row.id}").get("hx-swap-oob") == "true"
    assert page.get(asks(told), htmx=True).status == 204
    change(row, window_spend=10 * DOLLAR)
    assert "Used up." in words(found(page.get(asks(told), htmx=True), f"budget-{row.id}"))


def test_without_a_script_it_is_the_page_itself(browser, mia, key):
    page = browser(mia)
    for ask, place in ((f"/ui/keys/live?key_id={key.id}", "/ui/keys"), (f"/ui/spend/live?user={mia.id}", "/ui/spend"),
                       (f"/ui/keys/{key.id}/live", f"/ui/keys/{key.id}")):  # fmt: skip
        answer = page.get(ask)
        assert (answer.status, answer.location) == (303, place)


def test_nobody_hears_of_somebody_elses_money(browser, vera, mia, otto, key):
    """S-6: as of what does not exist, and then the page stops asking."""
    page, own = browser(otto), make_key(otto, "own").row
    for ask in (f"/ui/keys/live?key_id={key.id}", f"/ui/keys/{key.id}/live", f"/ui/spend/live?user={mia.id}",
                f"/ui/keys/live?key_id={NOBODY}", f"/ui/keys/{NOBODY}/live", f"/ui/spend/live?user={NOBODY}",
                "/ui/keys/live", "/ui/spend/live", "/ui/spend/live?user=x&part=all"):  # fmt: skip
        answer = page.get(ask, htmx=True)
        assert (answer.status, answer.body) == (286, b"")
    both = page.get(f"/ui/keys/live?key_id={key.id}&key_id={own.id}&list=all", htmx=True)
    assert [element.get("id") for element in both.html.all("span") if element.get("id")] == [f"spend-{own.id}"]
    assert browser(vera).get(f"/ui/keys/live?key_id={key.id}&list=all", htmx=True).status == 200
    assert browser(vera).get(f"/ui/spend/live?user={mia.id}", htmx=True).status == 200


def test_a_page_that_asks_by_itself_keeps_no_session_alive(browser, mia, key, clock):
    page = browser(mia)
    page.get("/ui/keys")
    (session,) = rows(Session)
    clock.move_to(NOON + timedelta(hours=23))
    assert page.get(f"/ui/keys/{key.id}/live", htmx=True).status == 200
    assert rows(Session)[0].last_seen_at == session.last_seen_at
    clock.move_to(NOON + timedelta(hours=24, seconds=1))
    assert page.get(f"/ui/keys/{key.id}/live", htmx=True).status == 286
    assert page.get(f"/ui/keys/{key.id}", htmx=True).status == 401


def test_while_the_database_is_away_it_waits_and_asks_again(browser, mia, key, monkeypatch):
    page = browser(mia)

    def fail(*_):
        raise Unavailable("away")

    monkeypatch.setattr(holds, "get_key", fail)
    assert page.get(f"/ui/keys/{key.id}/live", htmx=True).status == 204


def test_it_asks_the_database_once_beside_who_is_asking(browser, mia, otto, key, queries):
    page = browser(mia)
    many = "&".join(f"key_id={make_key(mia).row.id}" for _ in range(9))
    for ask, most in ((f"/ui/keys/{key.id}/live", 2), (f"/ui/spend/live?user={mia.id}", 2),
                      (f"/ui/keys/live?key_id={key.id}&{many}", 3)):  # fmt: skip
        with queries() as sent:
            assert page.get(ask, htmx=True).status == 200
        assert len(sent) == most


def test_deleted_keys_and_lists_without_keys_ask_nothing(browser, mia):
    page = browser(mia)
    assert asks(page.get("/ui/keys")) is None
    make_key(mia, "gone", deleted_at=now(), restorable_until=now() + timedelta(minutes=9))
    assert asks(page.get("/ui/keys?status=deleted")) is None
    make_key(mia, "here")
    assert fragment(page.get("/ui/keys?q=here", htmx=True)).id == "results"
    assert asks(page.get("/ui/keys?q=here", htmx=True))
