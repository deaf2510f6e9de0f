"""Calls count once, whoever tells them and how often; the sums of the days are the sums of the calls."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from time_machine import travel

from selfserve.clock import now
from selfserve.errors import NotFound
from selfserve.models import Call, DailySpend
from selfserve.schemas.spend import CallRecord
from selfserve.services import spend
from tests.application import the_database
from tests.factories import make_key, make_user, reload, rows

MIDDAY = datetime(2026, 6, 17, 12, tzinfo=UTC)  # a Wednesday
WRITERS = 8


def a_call(key, number=0, **changes):
    values = {"request_id": f"call-{number}", "key_id": key.row.id, "model": "gpt-5-mini", "started_at": now()}
    return CallRecord.model_validate(values | {"cost": 1_000, "prompt_tokens": 7, "completion_tokens": 3} | changes)


def at_once(app, *batches):
    """Record each batch in a thread of its own, all from the same moment on; give how many calls were new."""
    gate = Barrier(len(batches))

    def record(batch):
        with app.app_context():
            gate.wait(30)
            return spend.record_calls(batch)

    with ThreadPoolExecutor(len(batches)) as threads:
        return sum(threads.map(record, batches))


def test_a_call_is_on_the_record_the_day_the_key_and_its_owner(mia):
    key = make_key(mia)
    assert spend.record_calls([a_call(key, started_at=MIDDAY)]) == 1
    (call,), (day,) = rows(Call), rows(DailySpend)
    assert (call.user_pk, call.key_id, call.model, call.started_at) == (mia.id, key.row.id, "gpt-5-mini", MIDDAY)
    assert (day.user_pk, day.key_id, day.model, day.day) == (mia.id, key.row.id, "gpt-5-mini", MIDDAY.date())
    assert (day.spend, day.requests, day.failed_requests) == (1_000, 1, 0)
    assert (day.prompt_tokens, day.completion_tokens) == (7, 3)
    for budgeted in (reload(key.row), reload(mia)):
        assert (budgeted.spend, budgeted.total_spend) == (1_000, 1_000)


def test_a_call_that_is_told_again_counts_once_whatever_it_says_the_second_time(mia):
    key, other = make_key(mia), make_key(mia)
    assert spend.record_calls([a_call(key), a_call(key)]) == 1
    assert spend.record_calls([a_call(key), a_call(other, cost=999_999, model="another"), a_call(key, 2)]) == 1
    assert sum(day.spend for day in rows(DailySpend)) == 2_000
    assert (reload(key.row).spend, reload(other.row).spend, reload(mia).spend) == (2_000, 0, 2_000)


def test_a_call_that_many_tell_at_once_counts_once(app, mia):
    key = make_key(mia)
    assert at_once(app, *[[a_call(key)]] * WRITERS) == 1
    assert (len(rows(Call)), rows(DailySpend)[0].requests, reload(mia).spend) == (1, 1, 1_000)


def test_calls_of_one_person_that_come_at_once_are_all_counted(app, mia):
    key = make_key(mia)
    assert at_once(app, *[[a_call(key, number)] for number in range(WRITERS)]) == WRITERS
    assert (reload(key.row).spend, reload(mia).spend, rows(DailySpend)[0].requests) == (8_000, 8_000, 8)


def test_batches_that_overlap_in_any_order_count_each_call_once(app, mia, otto):
    made = [make_key(mia), make_key(mia), make_key(otto)]
    calls = [a_call(made[number % 3], number) for number in range(30)]
    batches = [random.Random(seed).sample(calls, len(calls)) for seed in range(WRITERS)]
    assert at_once(app, *batches) == 30
    assert (len(rows(Call)), sum(day.requests for day in rows(DailySpend))) == (30, 30)
    assert [reload(key.row).spend for key in made] == [10_000] * 3
    assert (reload(mia).spend, reload(otto).spend) == (20_000, 10_000)


@pytest.mark.parametrize("place", [0, 1])
def test_a_call_with_a_key_nobody_has_leaves_nothing_of_its_batch(mia, place):
    key = make_key(mia)
    batch = [a_call(key, 1), a_call(key, 2)]
    batch.insert(place, a_call(key, 3, key_id="nobody's"))
    with pytest.raises(NotFound):
        spend.record_calls(batch)
    assert (rows(Call), rows(DailySpend), reload(mia).spend, reload(key.row).spend) == ([], [], 0, 0)


@pytest.mark.parametrize(
    "nonsense",
    [{"cost": -1}, {"cost": 2**63}, {"prompt_tokens": -1}, {"prompt_tokens": 2**63}, {"request_id": ""},
     {"request_id": "a\0b"}, {"model": "x" * 256}, {"started_at": datetime(2026, 6, 17, 12)}],
)  # fmt: skip
def test_a_call_that_makes_no_sense_ends_before_the_database(mia, nonsense):
    with pytest.raises(ValidationError):
        a_call(make_key(mia), **nonsense)


# -- the sums are true ------------------------------------------------------------------------------------------

TOLD = st.tuples(
    st.integers(0, 25),  # the number of the call: few, so that some are told twice
    st.integers(0, 2),  # with which key
    st.sampled_from(["gpt-5-mini", "claude-sonnet-4-5"]),
    st.integers(-80, 80),  # hours from noon, so that midnights are crossed
    st.integers(0, 10**15),
    st.booleans(),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(told=st.lists(TOLD, max_size=25), cuts=st.lists(st.integers(1, 8), min_size=25, max_size=25))
def test_the_sums_of_the_days_are_the_sums_of_the_calls(app, told, cuts):
    the_database().reset()
    owners = [make_user("Mia"), make_user("Otto")]
    made = [make_key(owners[0]), make_key(owners[0]), make_key(owners[1])]
    calls = [
        a_call(
            made[which], number, model=model, started_at=MIDDAY + timedelta(hours=hours), cost=cost, is_failed=failed
        )
        for number, which, model, hours, cost, failed in told
    ]
    cut = iter(cuts)
    while calls:
        size = next(cut)
        spend.record_calls(calls[:size])
        calls = calls[size:]
    stored = rows(Call)
    assert {call.request_id for call in stored} == {f"call-{number}" for number, *_ in told}
    sums = Counter()
    for call in stored:
        place = (call.user_pk, call.started_at.date(), call.key_id, call.model)
        for what, amount in (("spend", call.cost), ("requests", 1), ("failed", int(call.is_failed))):
            sums[(*place, what)] += amount
    kept = {
        (day.user_pk, day.day, day.key_id, day.model, what): amount
        for day in rows(DailySpend)
        for what, amount in (("spend", day.spend), ("requests", day.requests), ("failed", day.failed_requests))
    }
    assert kept == dict(sums)
    for budgeted in [*owners, *(key.row for key in made)]:
        own = sum(call.cost for call in stored if budgeted.id in (call.user_pk, call.key_id))
        assert reload(budgeted).total_spend == own


def test_mia_sees_the_sums_of_her_own_days_only(as_actor, mia, otto):
    key, others = make_key(mia), make_key(otto)
    with travel(MIDDAY, tick=False):
        spend.record_calls(
            [
                a_call(key, 1, started_at=MIDDAY),
                a_call(key, 2, started_at=MIDDAY, is_failed=True, cost=0),
                a_call(key, 3, started_at=MIDDAY, model="claude-sonnet-4-5"),
                a_call(key, 4, started_at=MIDDAY - timedelta(days=6)),
                a_call(key, 5, started_at=MIDDAY - timedelta(days=7)),
                a_call(others, 6, started_at=MIDDAY),
            ]
        )
        week, month = (spend.summarise(as_actor(mia), days) for days in (7, 30))
    assert (week.first_day.isoformat(), week.last_day.isoformat()) == ("2026-06-11", "2026-06-17")
    assert (week.spend, week.requests, week.failed_requests, week.prompt_tokens) == (3_000, 4, 1, 28)
    assert [(row.day.day, row.model, row.spend, row.requests) for row in week.rows] == [
        (17, "claude-sonnet-4-5", 1_000, 1),
        (17, "gpt-5-mini", 1_000, 2),
        (11, "gpt-5-mini", 1_000, 1),
    ]
    assert (month.spend, month.requests) == (4_000, 5)
