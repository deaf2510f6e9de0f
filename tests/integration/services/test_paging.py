"""Lists by keyset: every row once, in order, also while rows come and go; counts that know when to stop."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from selfserve.database import end_read
from selfserve.errors import BadRequest
from selfserve.minting import mint_key
from selfserve.models import ApiKey, User
from selfserve.schemas.keys import KeyFilter
from selfserve.schemas.users import UserFilter
from selfserve.services import key_deletes, key_lists, paging, user_lists
from selfserve.services.users import living_users
from tests.application import the_database
from tests.factories import key_row, make_key, make_user, save_all

START = datetime(2026, 6, 17, 12, tzinfo=UTC)


def walk(app, read):
    """Follow the cursor to the end, each page a request of its own; give the rows in the order in which they came."""
    found, after = [], None
    while True:
        with app.app_context():
            page = read(after)
        assert len(page.items) <= paging.ROWS_PER_PAGE
        found += page.items
        after = page.next_cursor
        if after is None:
            return found


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    moments=st.lists(st.sampled_from([0, 1, 2, 1_000_000]), max_size=130),
    page=st.sampled_from([0, 49, 50, 51, 100, 101]),
)
def test_every_key_comes_once_newest_first_however_many_were_made_in_one_moment(app, as_actor, moments, page):
    the_database().reset()
    mia, otto = make_user("Mia"), make_user("Otto")
    moments = (moments + [0] * page)[:130]
    save_all([
        key_row(owner, mint_key(), f"{owner.alias} {number}", created_at=START + timedelta(microseconds=moment))
        for number, moment in enumerate(moments) for owner in (mia, otto)
    ])  # fmt: skip
    listed = walk(app, lambda after: key_lists.list_own_keys(as_actor(mia), KeyFilter(after=after)))
    assert sorted(key.alias for key in listed) == sorted(f"Mia {number}" for number in range(len(moments)))
    assert [(key.created_at, key.id) for key in listed] == sorted(((k.created_at, k.id) for k in listed), reverse=True)


def test_what_is_made_or_deleted_meanwhile_neither_doubles_nor_hides_another_row(app, as_actor, ada, mia):
    made = [make_key(mia, f"old {number}", created_at=START + timedelta(seconds=number)) for number in range(120)]
    seen = []

    def read(after):
        page = key_lists.list_all_keys(as_actor(ada), KeyFilter(after=after))
        seen.extend(page.items)
        make_key(mia, f"new {len(seen)}")
        key_deletes.delete_restorable(as_actor(ada), [page.items[0].id])
        return page

    listed = walk(app, read)
    assert [key.alias for key in listed] == [f"old {number}" for number in reversed(range(120))]
    assert len({key.id for key in listed}) == len(made)


def test_the_total_is_of_the_whole_list_on_every_page(as_actor, ada, mia):
    for number in range(60):
        make_key(mia, f"{'blue' if number % 2 else 'red'} {number}")
    first = key_lists.list_all_keys(as_actor(ada), KeyFilter(q="blue"))
    assert (first.total, len(first.items), first.next_cursor) == (30, 30, None)
    first = key_lists.list_all_keys(as_actor(ada), KeyFilter())
    second = key_lists.list_all_keys(as_actor(ada), KeyFilter(after=first.next_cursor))
    assert [(page.total, len(page.items), page.is_capped) for page in (first, second)] == [
        (60, 50, False),
        (60, 10, False),
    ]


def test_a_list_of_exactly_one_page_has_no_next(as_actor, ada):
    for _ in range(49):
        make_user()
    page = user_lists.list_user_page(as_actor(ada), UserFilter())
    assert (len(page.items), page.total, page.next_cursor) == (50, 50, None)
    end_read()
    make_user()
    assert user_lists.list_user_page(as_actor(ada), UserFilter()).next_cursor


@pytest.mark.parametrize("damaged", ["x", ".", "99999999T999999999999Z.x", "-1", "20260617", "é.x", "20260617T12Z.x"])
def test_a_damaged_cursor_is_told_and_not_guessed(as_actor, mia, damaged):
    with pytest.raises(BadRequest) as refusal:
        key_lists.list_own_keys(as_actor(mia), KeyFilter(after=damaged))
    assert refusal.value.param == "after"


def test_counting_stops_at_ten_thousand(ada):
    save_all([User(user_id=f"many {number}", role="internal_user") for number in range(paging.MOST_COUNTED - 1)])
    assert paging.bounded_count(living_users()) == (10_000, False)
    end_read()
    make_user()
    assert paging.bounded_count(living_users()) == (10_000, True)
    counts = paging.bounded_counts({"all": living_users(), "none": select(ApiKey)})
    assert counts == {"all": (10_000, True), "none": (0, False)}


def test_ten_thousand_rows_are_said_as_more_than_that(as_actor, ada):
    save_all([User(user_id=f"many {number}", role="internal_user") for number in range(paging.MOST_COUNTED)])
    page = user_lists.list_user_page(as_actor(ada), UserFilter())
    assert (page.total, page.is_capped, len(page.items)) == (10_000, True, 50)
