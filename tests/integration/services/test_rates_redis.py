"""Limits per minute counted in Redis, over its own protocol: exact at once, fair afterwards, closed when it is away."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from time_machine import travel

from selfserve.config import SettingsError, load_settings
from selfserve.errors import Forbidden, TooMany, Unavailable
from selfserve.extensions import redis
from selfserve.services import rates_redis
from tests.factories import make_key, make_user
from tests.servers import free_port, redis_running

AT_ONCE = 64
THURSDAY = datetime(2026, 6, 18, 12, 0, 15, tzinfo=UTC)


@pytest.fixture
def there():
    """A Redis that is there, and used."""
    with redis_running() as url:
        redis.connect(url, AT_ONCE)
        yield redis.client
        redis.client.close()
    redis.connect("", 0)


@pytest.fixture
def mia(app):
    """Mia may send 15 requests a minute."""
    return make_user("Mia", rpm_limit=15)


@pytest.fixture
def her_key(mia):
    """This one 10, and 100 tokens."""
    return make_key(mia, "first", rpm_limit=10, tpm_limit=100).row


@pytest.fixture
def her_other(mia):
    """This one 12."""
    return make_key(mia, "second", rpm_limit=12).row


def tried(*things, inside=None):
    """Send once; give the refusal, None if there was none. What is done inside may refuse it too."""
    try:
        with rates_redis.counted_request(things):
            if inside:
                inside()
    except (TooMany, Forbidden) as refusal:
        return refusal
    return None


def all_at_once(*things):
    """Send from as many threads as stand ready; count how many were let in."""
    gate = Barrier(AT_ONCE)

    def send(_number):
        gate.wait(30)
        return tried(*things)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(send, range(AT_ONCE))).count(None)


def refused():
    raise Forbidden("for another reason")


def test_as_many_are_let_in_as_the_limit_says_however_many_ask_at_once(there, mia, her_key, her_other):
    with travel(THURSDAY, tick=False):
        assert all_at_once(mia, her_key) == 10
        assert all_at_once(mia, her_other) == 5
        refusal = tried(mia, her_other)
        assert refusal.message.startswith("Rate limit exceeded for user mia. Limit type: requests. Current limit: 15")
        assert refusal.message.endswith("Limit resets at: 2026-06-18 12:01:00 UTC.")
        assert refusal.retry_after == 45


def test_who_was_refused_does_not_count_and_the_next_minute_is_another(there, her_key):
    with travel(THURSDAY, tick=False) as clock:
        assert all_at_once(her_key) == 10
        clock.shift(44.999)
        assert tried(her_key).retry_after == 1
        clock.shift(0.001)
        assert all_at_once(her_key) == 10


def test_a_request_that_something_else_refuses_does_not_count(there, her_key):
    with travel(THURSDAY, tick=False):
        assert isinstance(tried(her_key, inside=refused), Forbidden)
        assert all_at_once(her_key) == 10


def test_it_is_not_taken_from_the_next_minute(there, her_key):
    with travel(THURSDAY, tick=False) as clock:

        def refused_late():
            clock.shift(60)
            assert all_at_once(her_key) == 10
            refused()

        assert isinstance(tried(her_key, inside=refused_late), Forbidden)
        assert tried(her_key) is not None


def test_tokens_close_the_minute_in_which_they_are_known(there, mia, her_key, her_other):
    with travel(THURSDAY, tick=False) as clock:
        rates_redis.count_tokens([her_key.id], 99)
        assert tried(mia, her_key) is None
        rates_redis.count_tokens([her_key.id], 1)
        assert "Limit type: tokens. Current limit: 100" in tried(mia, her_key).message
        assert tried(mia, her_other) is None
        clock.shift(60)
        assert tried(mia, her_key) is None


def test_what_is_kept_ends_by_itself_and_names_rows_only(there, mia, her_key, her_other):
    assert tried(mia, her_key) is None
    rates_redis.count_tokens([her_other.id], 7)
    names = {name.decode() for name in there.scan_iter()}
    assert names == {f"selfserve:minute:{thing.id}" for thing in (mia, her_key, her_other)}
    assert all(0 < there.ttl(name) <= 60 for name in names)


def test_who_has_no_limit_needs_no_redis_and_nobody_else_is_let_in_without(mia, her_key):
    redis.connect(f"redis://127.0.0.1:{free_port()}/0", 1)
    try:
        assert tried(make_key(mia).row) is None
        with pytest.raises(Unavailable, match="cannot be reached"):
            tried(her_key)
        rates_redis.count_tokens([her_key.id], 1)
    finally:
        redis.connect("", 0)


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://", "redis://host:99999"])
def test_what_is_no_address_of_a_redis_is_refused_at_the_start(url):
    with pytest.raises(SettingsError, match=r"REDIS_URL must be an address such as `redis://"):
        load_settings({}, redis_url=url)
