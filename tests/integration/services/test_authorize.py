"""May this key call this model now, and how much may it cost? One decision, the same for every door."""

import uuid
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from selfserve.calls import Ask, CallException, Outcome
from selfserve.clock import now
from selfserve.errors import BudgetExceeded, Forbidden, NotFound, TooMany, Unauthenticated, Unavailable
from selfserve.extensions import db
from selfserve.models import ApiKey, Call, DailySpend, ModelPrice, OpenCall, User
from selfserve.permissions import Client
from selfserve.prices import Usage
from selfserve.services import auth, open_calls
from selfserve.services.authorize import authorize
from selfserve.upstreams import Upstream, Upstreams
from tests.application import MASTER_KEY
from tests.factories import make_key, make_rotating_key, make_user, save

UPSTREAMS = Upstreams(rest=Upstream("the upstream", "http://upstream.example.com/v1", "its key"))
MODEL = "gpt-4o-mini"
"""0.15 dollars a million tokens of the prompt, 0.60 of the answer, 16,384 of which it gives at most."""
DOLLAR = 1_000_000_000
LONGEST = 16_384


def ask(model=MODEL, prompt_tokens=1000, max_tokens=100, **more):
    return Ask(model, prompt_tokens, max_tokens, **more)


def come(secret):
    """Be recognised by a secret."""
    return auth.identify(secret, MASTER_KEY, Client("api", "192.0.2.7", uuid.uuid4().hex, "a program"))


def let_in(secret, what=None, upstreams=UPSTREAMS):
    return authorize(come(secret), what or ask(), upstreams, 60)


def done(admission, prompt=1000, completion=100, **more):
    return open_calls.settle(admission, Outcome(200, Usage(prompt, completion), **more))


def the(model, **where):
    db.session.rollback()
    return db.session.query(model).filter_by(**where).one()


def test_mias_key_is_let_in_and_her_call_is_recorded_with_what_it_cost(mia):
    key = make_key(mia, max_budget=DOLLAR)
    admission = let_in(key.secret)
    assert the(OpenCall).reserved == admission.reserved == 1000 * 150 + 100 * 600
    assert done(admission, 400, 50) == 400 * 150 + 50 * 600
    call = the(Call)
    assert (call.cost, call.provider, call.status, call.exception) == (90_000, "the upstream", 200, None)
    assert (call.address, call.user_agent) == ("192.0.2.7", "a program")
    assert (the(ApiKey).window_spend, the(User, id=mia.id).total_spend) == (90_000, 90_000)
    assert db.session.query(OpenCall).count() == 0


def test_a_call_that_is_told_twice_counts_once(mia):
    admission = let_in(make_key(mia).secret)
    done(admission)
    done(admission)
    assert the(Call).cost == the(ApiKey).total_spend


def test_the_master_key_calls_no_models(app):
    with pytest.raises(Forbidden, match="master key calls no models"):
        let_in(MASTER_KEY)


def test_a_secret_in_its_grace_still_calls(mia):
    assert let_in(make_rotating_key(mia).former)


@pytest.mark.parametrize("columns", [{"is_blocked": True}, {"deleted_at": now()}, {"expires_at": now()}])
def test_a_key_that_stopped_after_it_was_recognised_is_refused(mia, columns):
    key = make_key(mia)
    actor = come(key.secret)
    with db.session.begin_nested():
        for name, value in columns.items():
            setattr(db.session.get(ApiKey, key.row.id), name, value)
    db.session.commit()
    with pytest.raises(Unauthenticated):
        authorize(actor, ask(), UPSTREAMS, 60)


def test_a_model_that_is_not_for_the_key_or_its_owner_is_refused_with_those_that_are(mia):
    with pytest.raises(Forbidden, match=r"This key may not call gpt-4o-mini. Allowed: o3") as error:
        let_in(make_key(mia, models=["o3"]).secret)
    assert (error.value.type, error.value.param) == ("key_model_access_denied", "model")
    pat = make_user("Pat", models=["gpt-5*"])
    with pytest.raises(Forbidden, match="The owner of this key may not call"):
        let_in(make_key(pat).secret)
    assert let_in(make_key(pat).secret, ask("gpt-5-mini"))


def test_a_model_that_nobody_serves_and_a_gateway_without_an_upstream_say_so(mia):
    key = make_key(mia)
    with pytest.raises(NotFound, match="No upstream serves the model gpt-4o-mini"):
        let_in(key.secret, upstreams=Upstreams({"o3": UPSTREAMS.route("o3")}))
    with pytest.raises(Unavailable, match="UPSTREAM_BASE_URL"):
        let_in(key.secret, upstreams=Upstreams())


def test_a_budget_that_is_used_up_says_when_it_starts_again_and_that_trying_helps_nobody(mia):
    with time_machine.travel("2026-06-17T12:00:00+00:00", tick=False):
        key = make_key(mia, "laptop", max_budget=5 * DOLLAR, budget_duration="1mo", window_spend=5 * DOLLAR,
                       budget_reset_at=now().replace(month=7, day=1, hour=0))  # fmt: skip
        with pytest.raises(
            BudgetExceeded, match=r"Key=laptop \(sk-\.\.\..{4}\) Current cost: \$5.0000, Max budget: \$5.00"
        ) as error:
            let_in(key.secret)
        assert "2026-07-01 00:00 UTC" in error.value.message
        assert error.value.is_final
    with time_machine.travel("2026-07-01T00:00:00+00:00", tick=False):
        assert let_in(key.secret)


def test_the_budget_of_the_owner_counts_for_all_of_their_keys(mia):
    pat = make_user("Pat", max_budget=300_000)
    one, two = make_key(pat), make_key(pat)
    admission = let_in(one.secret)
    with pytest.raises(BudgetExceeded, match="User=pat") as error:
        let_in(two.secret)
    assert not error.value.is_final, "it is only held by a call that runs"
    done(admission, 0, 0)
    assert let_in(two.secret)


def test_an_answer_is_shortened_to_what_is_left_and_refused_below_sixteen_tokens(mia):
    key = make_key(mia, max_budget=150_000 + 40 * 600)
    assert let_in(key.secret, ask(max_tokens=40)).max_tokens is None
    key = make_key(mia, max_budget=150_000 + 40 * 600)
    admission = let_in(key.secret, ask(max_tokens=100))
    assert (admission.max_tokens, admission.reserved) == (40, key.row.max_budget)
    key = make_key(mia, max_budget=150_000 + 15 * 600)
    with pytest.raises(BudgetExceeded, match="left does not pay this prompt and a short answer"):
        let_in(key.secret, ask(max_tokens=100))
    assert let_in(key.secret, ask(max_tokens=15)).max_tokens is None


def test_several_answers_share_what_is_left(mia):
    key = make_key(mia, max_budget=150_000 + 90 * 600)
    assert let_in(key.secret, ask(max_tokens=100, choices=3)).max_tokens == 30


def test_a_call_that_does_not_say_how_long_is_held_to_the_longest_answer_of_the_model(mia):
    key = make_key(mia, max_budget=DOLLAR)
    admission = let_in(key.secret, ask(max_tokens=None))
    assert (admission.max_tokens, admission.reserved) == (None, 150_000 + LONGEST * 600)


def test_an_embedding_holds_its_prompt_only(mia):
    key = make_key(mia, max_budget=DOLLAR)
    assert let_in(key.secret, ask("text-embedding-3-small", max_tokens=None, has_output=False)).reserved == 20_000


def test_an_answer_that_is_longer_than_asked_is_a_named_exception(mia):
    key = make_key(mia, max_budget=DOLLAR)
    assert done(let_in(key.secret), 1000, 101) == 1000 * 150 + 101 * 600
    assert the(Call).exception == CallException.MORE_THAN_ASKED


def test_a_model_without_a_price_is_recorded_as_of_unknown_cost_never_as_free(mia):
    key = make_key(mia, max_budget=DOLLAR)
    assert done(let_in(key.secret, ask("of-the-house"))) is None
    assert (the(Call).cost, the(Call).exception, the(Call).prompt_tokens) == (0, CallException.PRICE_UNKNOWN, 1000)


def test_the_price_that_ada_set_wins_over_the_list(mia):
    save(ModelPrice(model=MODEL, prompt="0.000001", completion="0.000002", cached="0"))
    key = make_key(mia, max_budget=DOLLAR)
    admission = let_in(key.secret, ask(max_tokens=None))
    assert admission.price.usual.completion == Decimal("0.000002")
    assert admission.reserved == 1000 * 1250 + LONGEST * 2000  # if all of the prompt is written to a cache
    assert done(admission) == 1000 * 1000 + 100 * 2000


def test_requests_a_minute_are_counted_for_key_and_owner_and_start_again_with_the_minute(mia):
    with time_machine.travel("2026-06-17T12:00:20+00:00", tick=False):
        key = make_key(mia, "laptop", rpm_limit=2)
        for _ in range(2):
            done(let_in(key.secret))
        with pytest.raises(TooMany, match=r"Limit type: requests. Current limit: 2 a minute, Remaining: 0") as error:
            let_in(key.secret)
        assert error.value.retry_after == 40
    with time_machine.travel("2026-06-17T12:01:00+00:00", tick=False):
        assert let_in(key.secret)


def test_tokens_a_minute_count_when_they_are_known(mia):
    with time_machine.travel("2026-06-17T12:00:20+00:00", tick=False):
        pat = make_user("Pat", tpm_limit=1000)
        first, second = let_in(make_key(pat).secret), let_in(make_key(pat).secret)
        done(first, 600, 300)
        third = let_in(make_key(pat).secret)
        done(second, 50, 50)
        with pytest.raises(TooMany, match=r"user pat. Limit type: tokens. Current limit: 1,000 a minute"):
            let_in(make_key(pat).secret)
    with time_machine.travel("2026-06-17T12:01:00+00:00", tick=False):
        done(third, 10, 10)
        assert let_in(make_key(pat).secret)


def test_as_many_calls_run_at_once_as_are_allowed(mia):
    key = make_key(mia, max_parallel_requests=2)
    first, _ = let_in(key.secret), let_in(key.secret)
    with pytest.raises(TooMany, match=r"Limit type: parallel requests. Current limit: 2"):
        let_in(key.secret)
    done(first)
    assert let_in(key.secret)


def test_a_refused_call_leaves_nothing_behind(mia):
    key = make_key(mia, rpm_limit=1, max_budget=1)
    for _ in range(3):
        with pytest.raises(BudgetExceeded):
            let_in(key.secret)
    assert db.session.query(OpenCall).count() == db.session.query(Call).count() == 0


def test_a_call_that_was_cut_off_lapses_and_is_recorded_as_not_counted(mia):
    with time_machine.travel("2026-06-17T12:00:00+00:00", tick=False):
        key = make_key(mia, max_budget=250_000, max_parallel_requests=1)
        let_in(key.secret)
        with pytest.raises(TooMany):
            let_in(key.secret)
        assert open_calls.close_lapsed() == 0
    with time_machine.travel("2026-06-17T12:01:31+00:00", tick=False):
        assert let_in(key.secret), "what it held is free as soon as it lapsed"
        assert open_calls.close_lapsed() == 1
        assert open_calls.close_lapsed() == 0
        call = the(Call)
        assert (call.exception, call.cost, call.is_failed) == (CallException.UNCOUNTED, 0, True)
        assert call.started_at == now().replace(minute=0, second=0)


def test_a_call_that_the_upstream_refused_costs_nothing(mia):
    key = make_key(mia, max_budget=DOLLAR)
    assert open_calls.settle(let_in(key.secret), Outcome(502)) == 0
    assert (the(Call).is_failed, the(Call).exception, the(ApiKey).total_spend) == (True, None, 0)


def test_a_call_that_comes_back_after_it_lapsed_is_put_right_everywhere(mia):
    with time_machine.travel("2026-06-17T12:00:00+00:00", tick=False):
        key = make_key(mia, max_budget=DOLLAR)
        admission = let_in(key.secret)
    with time_machine.travel("2026-06-17T12:05:00+00:00", tick=False):
        assert open_calls.close_lapsed() == 1
        assert done(admission, 400, 50) == 90_000
        done(admission, 400, 50)
    call, day = the(Call), the(DailySpend)
    assert (call.cost, call.exception, call.is_failed, call.prompt_tokens) == (90_000, None, False, 400)
    assert (day.spend, day.requests, day.failed_requests, day.unpriced_requests) == (90_000, 1, 0, 0)
    assert the(ApiKey).window_spend == the(User, id=mia.id).total_spend == 90_000


def test_a_call_that_ends_while_the_database_is_away_is_recorded_as_soon_as_it_is_back(mia):
    key = make_key(mia)
    first, second = let_in(key.secret), let_in(key.secret)

    def be_away(*_):
        raise OperationalError("BEGIN", {}, Exception("away"))

    event.listen(db.engine, "begin", be_away)
    try:
        assert done(first, 400, 50) == 90_000, "its answer was paid for, so it goes out"
    finally:
        event.remove(db.engine, "begin", be_away)
    assert db.session.query(Call).count() == 0
    done(second, 400, 50)
    assert the(ApiKey).total_spend == 180_000
    assert db.session.query(OpenCall).count() == 0


def test_a_budget_that_is_set_after_the_key_was_recognised_holds_already(mia):
    key = make_key(mia)
    actor = come(key.secret)
    db.session.get(ApiKey, key.row.id).max_budget = 1
    db.session.commit()
    with pytest.raises(BudgetExceeded):
        authorize(actor, ask(), UPSTREAMS, 60)
