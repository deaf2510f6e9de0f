"""Ten failures in a minute pause for five, however many come at once and whichever worker counts them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.errors import TooMany, Unauthenticated
from selfserve.models import Throttle
from selfserve.permissions import Client
from selfserve.services import auth, throttles
from tests.factories import PASSWORD, rows

BUCKET = throttles.Bucket("a bucket", throttles.PER_PAIR)
HERE, ELSEWHERE = Client(source="web", address="10.0.0.1"), Client(source="web", address="10.0.0.2")


def fail(times, *buckets):
    for _ in range(times):
        throttles.take_try(*(buckets or (BUCKET,)), client=Client())


def test_ten_tries_are_free_and_the_eleventh_waits_five_minutes():
    fail(10)
    with pytest.raises(TooMany) as refusal:
        fail(1)
    assert refusal.value.retry_after == 300


def test_the_wait_grows_shorter_and_is_not_made_longer_by_trying():
    start = now()
    with travel(start, tick=False):
        fail(10)
        with pytest.raises(TooMany):
            fail(1)
    for waited in (10, 200, 299):
        with travel(start + timedelta(seconds=waited), tick=False), pytest.raises(TooMany) as refusal:
            fail(1)
        assert refusal.value.retry_after == 300 - waited
    with travel(start + timedelta(seconds=300), tick=False):
        fail(10)


def test_ten_a_minute_for_ever_pause_nobody():
    start = now()
    for minute in range(4):
        with travel(start + timedelta(minutes=minute), tick=False):
            fail(10)


def test_of_fifty_at_once_ten_are_tried(app):
    def attempt(_):
        with app.app_context():
            try:
                throttles.take_try(BUCKET, client=Client())
            except TooMany:
                return "paused"
            return "tried"

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(attempt, range(50))).count("tried") == 10


def test_success_gives_the_try_back_to_the_pair_wholly_and_to_the_address_by_one():
    pair, address = throttles.login_buckets("10.0.0.1", "mia@example.com")
    fail(9, pair, address)
    with transaction():
        throttles.give_back(pair, address)
    assert sorted(row.failures for row in rows(Throttle)) == [0, 8]
    fail(10, pair, address)
    with pytest.raises(TooMany):
        fail(1, pair, address)


def test_a_hundred_addresses_of_others_tried_from_one_place_pause_that_place_only():
    for number in range(100):
        fail(1, *throttles.login_buckets("10.0.0.1", f"person-{number}@example.com"))
    with pytest.raises(TooMany):
        fail(1, *throttles.login_buckets("10.0.0.1", "somebody-else@example.com"))
    fail(1, *throttles.login_buckets("10.0.0.2", "person-1@example.com"))


def test_mia_signs_in_as_often_as_she_likes(mia):
    for _ in range(12):
        auth.log_in(mia.email, PASSWORD, HERE)


def test_mia_who_mistyped_nine_times_starts_afresh(mia):
    for _ in range(2):
        for _ in range(9):
            with pytest.raises(Unauthenticated):
                auth.log_in(mia.email, "wrong", HERE)
        auth.log_in(mia.email, PASSWORD, HERE)


def test_a_paused_mia_is_refused_her_right_password_here_and_not_elsewhere(mia):
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            auth.log_in(mia.email, "wrong", HERE)
    with pytest.raises(TooMany):
        auth.log_in(mia.email, PASSWORD, HERE)
    auth.log_in(mia.email, PASSWORD, ELSEWHERE)


def test_what_is_counted_cannot_be_read_from_the_table(mia):
    with pytest.raises(Unauthenticated):
        auth.log_in(mia.email, "wrong", HERE)
    assert not [row for row in rows(Throttle) if "mia" in row.bucket or "10." in row.bucket]


def test_a_sweep_takes_only_what_is_over():
    fail(1)
    fail(1, throttles.Bucket("another", 10))
    with travel(now() + timedelta(seconds=350)):
        with transaction():
            throttles.sweep()
        assert len(rows(Throttle)) == 2
    with travel(now() + timedelta(seconds=365)):
        fail(1)
        with transaction():
            throttles.sweep()
        assert len(rows(Throttle)) == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        (None, None),
    ],
)
def test_who_has_a_whole_network_of_addresses_has_one_count(address, network):
    """S-18."""
    assert throttles.network_of(address) == network
