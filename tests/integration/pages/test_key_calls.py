"""The calls of a key: how each went, what it cost, what nobody knows; the newest first, the odd ones alone, older."""

from datetime import UTC, datetime, timedelta

import pytest
from time_machine import travel

from selfserve.services import call_lists
from tests.factories import make_calls, make_key
from tests.integration.pages.parts import found, fragment, link, words
from tests.integration.pages.spending import NOBODY, days_of, said

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today():
    """It is a Wednesday in June."""
    with travel(NOON, tick=False):
        yield


@pytest.fixture
def key(mia):
    """A key of Mia's."""
    return make_key(mia, "laptop").row


def listed(answer):
    """The calls as they read."""
    part = found(answer, "calls")
    return [words(row) for body in part.iter("tbody") for row in body]


def test_a_call_says_when_to_what_how_it_went_and_what_it_took(browser, mia, key):
    make_calls(key, {}, {"status": 502, "is_failed": True, "cost": 0, "latency_ms": 61_500, "completion_tokens": 0},
           {"status": 499, "latency_ms": 1_250, "exception": "usage_estimated"},
           {"exception": "price_unknown", "cost": 0, "provider": None, "status": None, "latency_ms": None},
           {"exception": "uncounted", "cost": 0, "is_failed": True}, {"exception": "more_than_asked"})  # fmt: skip
    assert listed(browser(mia).get(f"/ui/keys/{key.id}")) == [
        "1 minute ago model-0 openai OK 200 12.3k in, 600 out 45 cached $1.20 840 ms",
        "2 minutes ago model-1 openai Failed 502 12.3k in, 0 out 45 cached $0.00 1 min 1 s",
        "3 minutes ago model-2 openai Client left 499 12.3k in, 600 out 45 cached $1.20 Tokens estimated 1.2 s",
        "4 minutes ago model-3 OK 12.3k in, 600 out 45 cached Unknown No price Not told",
        "5 minutes ago model-4 openai Failed 200 12.3k in, 600 out 45 cached Unknown Not counted 840 ms",
        "6 minutes ago model-5 openai OK 200 12.3k in, 600 out 45 cached $1.20 More than asked 840 ms",
    ]


@pytest.mark.parametrize("htmx", [False, True])
def test_the_failed_and_the_unknown_are_listed_alone(browser, mia, key, htmx):
    make_calls(key, {}, {"is_failed": True}, {"exception": "usage_estimated"}, {"exception": "price_unknown"},
           {"exception": "uncounted", "is_failed": True})  # fmt: skip
    page = browser(mia)
    for label, models in (("Failed", ["1", "4"]), ("Unknown cost", ["3", "4"]), ("All", ["0", "1", "2", "3", "4"])):
        answer = page.get(link(page.get(f"/ui/keys/{key.id}"), label), htmx=htmx)
        assert [row.split("model-")[1][0] for row in listed(answer)] == models
        assert [words(a) for a in found(answer, "calls").iter("a") if a.get("aria-current")] == [label]
        assert not htmx or fragment(answer).id == "calls"


@pytest.mark.parametrize("show", ["", "failed"])
def test_older_calls_follow_without_a_gap_also_those_of_one_moment(browser, mia, key, monkeypatch, show):
    monkeypatch.setattr(call_lists, "AT_ONCE", 3)
    make_calls(key, *[{"started_at": NOON - timedelta(hours=number // 4), "is_failed": True} for number in range(10)])
    page, seen, address = browser(mia), [], f"/ui/keys/{key.id}/calls?show={show}"
    while address:
        answer = page.get(address)
        assert len(listed(answer)) in (3, 1)
        seen += [row.split("model-")[1][0] for row in listed(answer)]
        address = link(answer, "Older")
    assert [set(seen[start : start + 4]) for start in (0, 4, 8)] == [set("0123"), set("4567"), set("89")]
    assert len(seen) == 10
    assert link(answer, "Newest")


def test_where_there_is_nothing_it_says_so(browser, ada, mia, key):
    page, address = browser(mia), f"/ui/keys/{key.id}/calls"
    assert link(page.get(f"/ui/keys/{key.id}"), "How to make one") == "/ui/quickstart"
    for show, sentence in (("failed", "No call failed."), ("unpriced", "What every call cost is known.")):
        assert sentence in page.get(f"{address}?show={show}").html.words()
    assert "There are no older ones." in page.get(f"{address}?after=20200101T000000000000Z.5").html.words()
    assert link(browser(ada).get(f"/ui/keys/{key.id}"), "How to make one") is None


@pytest.mark.parametrize("cursor", ["x", "x.5", "20260101T000000000000Z.x", "20260101T000000000000Z.", ".5",
                                    "20260101T000000000000Z.99999999999999999999",
                                    "20260101T000000000000Z.-1"])  # fmt: skip
def test_a_damaged_address_is_refused(browser, mia, key, cursor):
    assert browser(mia).get(f"/ui/keys/{key.id}/calls?after={cursor}").status == 400


def test_somebody_elses_calls_look_as_if_there_were_none(browser, vera, mia, otto, key):
    """S-6."""
    make_calls(key, {})
    theirs = browser(otto).get(f"/ui/keys/{key.id}/calls")
    assert (theirs.status, browser(otto).get(f"/ui/keys/{NOBODY}/calls").status) == (404, 404)
    assert len(listed(browser(vera).get(f"/ui/keys/{key.id}/calls"))) == 1
    assert browser(mia).get(f"/ui/keys/{key.id}/calls?show=all").status == 422


def test_a_sum_that_may_be_too_low_says_so_wherever_it_stands(browser, ada, mia, key):
    days_of(
        mia, ("gpt", 1, 2, {"requests": 5, "unpriced_requests": 2}), ("new", 0, 0, {"unpriced_requests": 1}), key=key
    )
    told = "3 calls of unknown cost are not in the sum, so it may be too low"
    page, boss = browser(mia), browser(ada)
    of_key = page.get(f"/ui/keys/{key.id}")
    assert told in said(of_key)
    assert link(of_key, "Show them") == f"/ui/keys/{key.id}/calls?show=unpriced"
    for answer in (page.get("/ui/spend"), boss.get("/ui/spend?scope=everyone"), boss.get(f"/ui/users/{mia.id}")):
        assert told in said(answer)
    spend = said(page.get("/ui/spend"))
    for part in ("gpt 2 of unknown cost 5 $2.00", "new 1 of unknown cost 1 $0.00", "laptop 3 of unknown cost 6 $2.00"):
        assert part in spend
    assert link(boss.get("/ui/spend?scope=everyone"), "Show them") == "/ui/settings#unpriced"


def test_where_every_cost_is_known_nothing_is_said_of_it(browser, mia, key):
    days_of(mia, ("gpt", 0, 2, {}), key=key)
    for path in ("/ui/spend", f"/ui/keys/{key.id}"):
        assert "of unknown cost" not in said(browser(mia).get(path))


def test_spend_without_calls_leads_to_the_first_one(browser, mia):
    assert link(browser(mia).get("/ui/spend"), "Make a first call") == "/ui/quickstart"
