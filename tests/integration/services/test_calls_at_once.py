"""Calls that begin at the same moment: no budget is overspent, no limit overrun, and every sum agrees."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from threading import Barrier

import pytest
from time_machine import travel

from selfserve.calls import Ask, Outcome
from selfserve.errors import BudgetExceeded, DomainError, TooMany
from selfserve.extensions import redis
from selfserve.models import ApiKey, Call, DailySpend, OpenCall, User
from selfserve.permissions import Client
from selfserve.prices import Price, Rate, Usage
from selfserve.services import auth, open_calls
from selfserve.services.authorize import FEWEST_TOKENS, authorize
from selfserve.upstreams import Route, Upstream, Upstreams
from tests.application import MASTER_KEY
from tests.factories import make_key, make_user, rows
from tests.servers import redis_running

AT_ONCE = 64
NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)
IN, OUT = 7, 13
"""Nano-dollars of a token."""
PROMPT, ANSWER, SHORT = 10, 100, 20
BUDGET = 10 * (PROMPT * IN + ANSWER * OUT) + PROMPT * IN + SHORT * OUT
"""It pays ten of the longest answers and a short one."""
numbers = itertools.count(1)


def dollars(nanos):
    return Decimal(nanos) / 10**9


PRICE = Price("local", "chat", Rate(dollars(IN), dollars(OUT), *[dollars(IN)] * 3))
UPSTREAMS = Upstreams({"m": Route("m", Upstream("local", "http://127.0.0.1:9/v1", ""), "m", PRICE)})


def begin(secret):
    """Come with a key and begin a call, as the door does."""
    client = Client("api", "10.0.0.1", f"call {next(numbers)}")
    return authorize(auth.identify(secret, MASTER_KEY, client), Ask("m", PROMPT, ANSWER), UPSTREAMS, 600)


def end(admission, answer=ANSWER):
    """The answer has come: as long as it may be, or shorter."""
    return open_calls.settle(admission, Outcome(200, Usage(PROMPT, min(answer, admission.max_tokens or ANSWER))))


def all_at_once(app, things, deed):
    """Do it in as many threads, with each of these things in turn; give what came of it."""
    gate = Barrier(AT_ONCE)

    def run(thing):
        with app.app_context():
            gate.wait(30)
            try:
                return deed(thing)
            except DomainError as refusal:
                return refusal

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(run, itertools.islice(itertools.cycle(things), AT_ONCE)))


def begun(results):
    """Leave out the refusals."""
    return [result for result in results if not isinstance(result, DomainError)]


def spent():
    """What was spent, by the keys, by the users, by the days and by the calls."""
    columns = (ApiKey, "total_spend"), (User, "total_spend"), (DailySpend, "spend"), (Call, "cost")
    return [sum(getattr(row, name) for row in rows(model)) for model, name in columns]


@pytest.fixture(params=["key", "user"])
def secrets(request, app):
    """The budget is that of one key, or of a user with eight keys."""
    if request.param == "key":
        return [make_key(make_user("Mia"), max_budget=BUDGET).secret]
    mia = make_user("Mia", max_budget=BUDGET)
    return [make_key(mia).secret for _ in range(8)]


def test_what_calls_hold_together_is_never_more_than_the_budget(app, secrets):
    results = all_at_once(app, secrets, begin)
    admissions = begun(results)
    assert {type(each) for each in results} == {type(admissions[0]), BudgetExceeded}
    assert sorted(each.max_tokens or ANSWER for each in admissions) == [SHORT, *[ANSWER] * 10]
    assert sum(each.reserved for each in admissions) == BUDGET
    for admission in admissions:
        end(admission)
    assert spent() == [BUDGET] * 4
    assert begun(all_at_once(app, secrets, begin)) == rows(OpenCall) == []


def test_a_budget_is_spent_until_it_pays_no_answer_any_more(app, secrets):
    while begun(all_at_once(app, secrets, lambda secret: end(begin(secret), answer=30))):
        pass
    total, _, _, _ = sums = spent()
    assert sums == [total] * 4
    assert 0 <= BUDGET - total < PROMPT * IN + FEWEST_TOKENS * OUT
    assert rows(OpenCall) == []


def test_as_many_calls_run_as_may_run_at_once(app):
    mia = make_user("Mia", max_parallel_requests=8)
    first, second = (make_key(mia, max_parallel_requests=5).secret for _ in range(2))
    running = begun(all_at_once(app, [first], begin))
    assert len(running) == 5
    assert len(begun(all_at_once(app, [first, second], begin))) == 3
    end(running[0])
    assert len(begun(all_at_once(app, [first, second], begin))) == 1


@pytest.fixture(params=["database", "redis"])
def minutes(request, app):
    """Minutes are counted by the database, or by Redis; this one has just begun."""
    with redis_running() as url, travel(NOON, tick=False) as clock:
        redis.connect(url if request.param == "redis" else "", AT_ONCE)
        yield clock
        redis.connect("", 0)


def test_as_many_calls_begin_in_a_minute_as_may_begin(app, minutes):
    mia = make_user("Mia", rpm_limit=25)
    first, second = (make_key(mia, rpm_limit=20).secret for _ in range(2))
    assert len(begun(all_at_once(app, [first], begin))) == 20
    results = all_at_once(app, [first, second], begin)
    assert len(begun(results)) == 5
    assert {(type(each), each.retry_after) for each in results if isinstance(each, DomainError)} == {(TooMany, 60)}
    minutes.shift(60)
    assert len(begun(all_at_once(app, [first, second], begin))) == 25


def test_a_call_that_the_budget_refuses_does_not_count_in_its_minute(app, minutes):
    key = make_key(make_user("Mia"), max_budget=BUDGET, rpm_limit=20)
    running = begun(all_at_once(app, [key.secret], begin))
    assert len(running) == 11
    for admission in running:
        end(admission, answer=0)
    assert len(begun(all_at_once(app, [key.secret], begin))) == 9


def test_no_call_begins_in_a_minute_whose_tokens_are_used_up(app, minutes):
    key = make_key(make_user("Mia"), tpm_limit=2 * (PROMPT + ANSWER))
    running = begun(all_at_once(app, [key.secret], begin))
    assert len(running) == AT_ONCE, "their tokens are not known yet"
    end(running[0])
    assert begin(key.secret)
    end(running[1])
    assert begun(all_at_once(app, [key.secret], begin)) == []
    minutes.shift(60)
    assert len(begun(all_at_once(app, [key.secret], begin))) == AT_ONCE
