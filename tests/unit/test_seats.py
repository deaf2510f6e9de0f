"""A seat for each call, and always a thread left for the pages."""

import pytest

from selfserve.errors import Unavailable
from selfserve.gateway.seats import Seats


@pytest.mark.parametrize(("threads", "seats"), [(1, 1), (2, 1), (3, 2), (8, 7), (16, 14), (64, 56), (512, 448)])
def test_an_eighth_of_the_threads_is_kept_free(threads, seats):
    assert Seats(threads).count == seats


def test_who_finds_no_seat_is_told_to_come_back_in_a_second():
    seats = Seats(3)
    first = seats.take()
    seats.take()
    with pytest.raises(Unavailable) as refused:
        seats.take()
    assert refused.value.retry_after == 1
    first.leave()
    seats.take()


def test_a_seat_that_is_left_twice_is_one_seat():
    seats = Seats(2)
    seat = seats.take()
    seat.leave()
    seat.leave()
    seats.take()
    with pytest.raises(Unavailable):
        seats.take()
