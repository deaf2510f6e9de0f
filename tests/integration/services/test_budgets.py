"""Budget windows begin again by themselves, when somebody next looks or pays."""

from datetime import UTC, datetime, timedelta

import pytest
from time_machine import travel

from selfserve.clock import next_reset, now
from selfserve.models import KeyStatus
from selfserve.schemas.keys import KeyFilter
from selfserve.schemas.spend import CallRecord
from selfserve.services import key_lists, spend
from tests.factories import make_key, make_user, reload

WEDNESDAY = datetime(2026, 6, 17, 12, tzinfo=UTC)


@pytest.fixture
def pia():
    """Pia has 10 nano-dollars a day, and so has her key."""
    return make_user("Pia", **budget("1d"))


def budget(duration, limit=10):
    return {"max_budget": limit, "budget_duration": duration, "budget_reset_at": next_reset(duration, WEDNESDAY)}


def pay(key, number, cost, moment):
    call = CallRecord(request_id=f"call {number}", key_id=key.row.id, model="m", started_at=moment, cost=cost)
    return spend.record_calls([call])


def test_a_budget_is_used_up_and_back_the_next_day_without_anybody_doing_anything(pia):
    key = make_key(pia, **budget("1d"))
    with travel(WEDNESDAY, tick=False):
        pay(key, 1, 10, WEDNESDAY)
        assert [(row.spend, row.is_over_budget) for row in (reload(pia), reload(key.row))] == [(10, True)] * 2
        assert reload(key.row).status is KeyStatus.OVER_BUDGET
    with travel(WEDNESDAY + timedelta(hours=11, minutes=59), tick=False):
        assert reload(key.row).is_over_budget
    with travel(WEDNESDAY + timedelta(hours=12), tick=False):
        assert [(row.spend, row.is_over_budget) for row in (reload(pia), reload(key.row))] == [(0, False)] * 2
        assert reload(key.row).next_reset_at == WEDNESDAY + timedelta(hours=36)


def test_the_first_payment_of_a_new_window_begins_it_and_the_total_goes_on(pia):
    key = make_key(pia, **budget("1d"))
    with travel(WEDNESDAY, tick=False):
        pay(key, 1, 7, WEDNESDAY)
    later = WEDNESDAY + timedelta(days=3)
    with travel(later, tick=False):
        pay(key, 2, 2, later)
        for row in (reload(pia), reload(key.row)):
            assert (row.spend, row.window_spend, row.total_spend) == (2, 2, 9)
            assert row.budget_reset_at == later + timedelta(hours=12)


def test_a_call_that_is_told_late_does_not_weigh_on_a_newer_window(pia):
    key = make_key(pia, **budget("1d"))
    with travel(WEDNESDAY + timedelta(days=1), tick=False):
        pay(key, 1, 9, WEDNESDAY)
        pay(key, 2, 1, WEDNESDAY + timedelta(hours=12))
        for row in (reload(pia), reload(key.row)):
            assert (row.spend, row.total_spend) == (1, 10)


@pytest.mark.parametrize(
    ("duration", "hours", "is_over"),
    [("1d", 12, True), ("7d", 4 * 24 + 12, True), ("7d", 4 * 24 + 11, False), ("1mo", 13 * 24 + 12, True),
     ("1mo", 13 * 24 + 11, False), ("30d", 13 * 24 + 12, True), ("12h", 12, True), ("12h", 11, False)],
)  # fmt: skip
def test_each_window_ends_when_it_should(pia, duration, hours, is_over):
    key = make_key(pia, **budget(duration))
    with travel(WEDNESDAY, tick=False):
        pay(key, 1, 10, WEDNESDAY)
    with travel(WEDNESDAY + timedelta(hours=hours), tick=False):
        assert reload(key.row).is_window_over is is_over
        assert reload(key.row).spend == (0 if is_over else 10)


def test_a_budget_without_a_window_never_comes_back(pia):
    key = make_key(pia, max_budget=10)
    pay(key, 1, 10, WEDNESDAY)
    with travel(WEDNESDAY + timedelta(days=4_000), tick=False):
        assert reload(key.row).is_over_budget


def test_the_filter_of_the_list_agrees_with_what_each_key_says_of_itself(as_actor, pia):
    spent = {"window_spend": 10}
    with travel(WEDNESDAY, tick=False):
        make_key(pia, "plain")
        make_key(pia, "spent", **budget("1d"), **spent)
        make_key(pia, "spent long ago", **budget("1d") | {"budget_reset_at": WEDNESDAY}, **spent)
        make_key(pia, "spent for good", max_budget=10, **spent)
        make_key(pia, "nothing allowed", max_budget=0)
        make_key(pia, "soon over", expires_at=WEDNESDAY + timedelta(days=14))
        make_key(pia, "soon over and spent", expires_at=WEDNESDAY + timedelta(days=1), max_budget=1, **spent)
        make_key(pia, "later over", expires_at=WEDNESDAY + timedelta(days=14, seconds=1))
        make_key(pia, "over", expires_at=WEDNESDAY)
        make_key(pia, "over and spent", expires_at=WEDNESDAY, max_budget=1, **spent)
        make_key(pia, "blocked", is_blocked=True)
        make_key(pia, "blocked and over", is_blocked=True, expires_at=WEDNESDAY)
        every = key_lists.list_own_keys(as_actor(pia), KeyFilter()).items
        for status in KeyStatus:
            meant = {KeyStatus.ACTIVE, KeyStatus.EXPIRING} if status is KeyStatus.ACTIVE else {status}
            listed = key_lists.list_own_keys(as_actor(pia), KeyFilter(status=status)).items
            assert {key.name for key in listed} == {key.name for key in every if key.status in meant}, status


@pytest.mark.parametrize("duration", ["7d", None])
@pytest.mark.parametrize("kind", ["key", "user"])
def test_another_window_does_not_bring_back_what_was_spent_in_one_that_is_over(curl, ada, pia, kind, duration):
    over = budget("1d") | {"budget_reset_at": now() - timedelta(hours=3), "window_spend": 9}
    row = make_key(pia, **over).row if kind == "key" else make_user(**over)
    name = {"key": row.id} if kind == "key" else {"user_id": row.user_id}
    assert curl(ada).post(f"/{kind}/update", {**name, "budget_duration": duration}).status == 200
    assert reload(row).spend == 0


def test_a_spend_that_is_set_in_a_window_that_is_over_is_that_of_the_next(curl, ada, pia):
    key = make_key(pia, **budget("1d") | {"budget_reset_at": now() - timedelta(hours=3), "window_spend": 9}).row
    assert curl(ada).post("/key/update", {"key": key.id, "spend": 5}).json["spend"] == 5
