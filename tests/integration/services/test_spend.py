"""Calls count once, whoever tells them and how often; the sums of the days are the sums of the calls."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from selfserve.clock import now
from selfserve.errors import NotFound
from selfserve.models import Call, DailySpend
from selfserve.schemas.spend import CallRecord
from selfserve.services import spend
from selfserve.services.spend_days import days_of_key
from tests.application import the_database
from tests.factories import make_key, make_user, reload, rows

MIDDAY = datetime(2026, 6, 17, 12, tzinfo=UTC)  # a Wednesday
WRITERS = 8


def a_call(key, number=0, **changes):
    values = {"request_id": f"call-{number}", "key_id": key.row.id, "model": "gpt-5-mini", "started_at": now()}
    tokens = {"prompt_tokens": 7, "completion_tokens": 3, "cached_tokens": 2}
    return CallRecord.model_validate(values | {"cost": 1_000} | tokens | changes)


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
    assert spend.record_calls([a_call(key, started_at=MIDDAY, address="10.0.0.9", user_agent="curl/8")]) == 1
    (call,), (day,) = rows(Call), rows(DailySpend)
    assert (call.user_pk, call.key_id, call.model, call.started_at) == (mia.id, key.row.id, "gpt-5-mini", MIDDAY)
    assert (call.address, call.user_agent, call.cached_tokens) == ("10.0.0.9", "curl/8", 2)
    assert (day.user_pk, day.key_id, day.model, day.day) == (mia.id, key.row.id, "gpt-5-mini", MIDDAY.date())
    assert (day.spend, day.requests, day.failed_requests) == (1_000, 1, 0)
    assert (day.prompt_tokens, day.completion_tokens, day.cached_tokens) == (7, 3, 2)
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
    [{"cost": -1}, {"cost": 10**15 + 1}, {"cost": 2**63}, {"prompt_tokens": -1}, {"prompt_tokens": 2**63},
     {"completion_tokens": 10**12 + 1}, {"cached_tokens": -1}, {"request_id": ""},
     {"request_id": "a\0b"}, {"model": "x" * 256}, {"started_at": datetime(2026, 6, 17, 12)}],
)  # fmt: skip
def test_a_call_that_makes_no_sense_ends_before_the_database(mia, nonsense):
    with pytest.raises(ValidationError):
        a_call(make_key(mia), **nonsense)


def test_what_a_client_says_of_itself_never_costs_us_a_call(mia):
    odd = {"user_agent": "\x00agent\r\n" + "x" * 500, "address": "a" * 100, "cached_tokens": 10**12}
    key = make_key(mia)
    assert spend.record_calls([a_call(key, 1, **odd), a_call(key, 2, user_agent=" ", address="")]) == 2
    first, second = sorted(rows(Call), key=lambda call: call.request_id)
    assert (first.user_agent, first.address, first.cached_tokens) == ("agent" + "x" * 250, "a" * 64, 7)
    assert (second.user_agent, second.address) == (None, None)


def test_of_a_call_that_is_told_twice_in_one_batch_the_first_telling_counts(mia):
    key = make_key(mia)
    assert spend.record_calls([a_call(key, cost=5), a_call(key, cost=7)]) == 1
    assert (rows(Call)[0].cost, rows(DailySpend)[0].spend, reload(mia).spend) == (5, 5, 5)


def test_nothing_told_is_nothing_recorded(app):
    assert spend.record_calls([]) == 0


def test_a_batch_asks_as_often_as_a_single_call(mia, queries):
    """At most five statements, however many calls, keys, days and models there are."""
    made = [make_key(mia) for _ in range(5)]
    batches = [[a_call(made[0], "one")], [a_call(made[n % 5], n, model=f"m{n}") for n in range(500)]]
    counts = []
    for batch in batches:
        with queries() as sent:
            spend.record_calls(batch)
        counts.append(len(sent))
    assert counts[0] == 5
    assert counts[1] <= 5 + 5


def test_a_call_belongs_to_the_day_on_which_it_began_in_utc_wherever_it_was_told(mia):
    key = make_key(mia)
    late = datetime(2026, 6, 17, 23, 30, tzinfo=timezone(timedelta(hours=-11)))
    early = datetime(2026, 6, 17, 0, 30, tzinfo=timezone(timedelta(hours=14)))
    spend.record_calls([a_call(key, 1, started_at=late), a_call(key, 2, started_at=early)])
    assert sorted(day.day.isoformat() for day in rows(DailySpend)) == ["2026-06-16", "2026-06-18"]


def test_the_days_of_a_key_are_its_owners_and_the_admins_to_see(as_actor, ada, mia, otto):
    """S-6: whoever asks for the days of somebody else's key gets none."""
    key = make_key(mia)
    spend.record_calls([a_call(key)])
    seen = [days_of_key(as_actor(someone), key.row.id, 14).total.spend for someone in (mia, ada, otto)]
    assert seen == [1_000, 1_000, 0]


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
