"""The orders of the key lists: every row once, empty values last, whichever way round."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from selfserve.errors import BadRequest, Invalid
from selfserve.models import ApiKey
from selfserve.schemas.keys import KeyFilter
from selfserve.services import key_lists, paging
from tests.factories import make_key, rows

START = datetime(2026, 6, 17, 12, tzinfo=UTC)
COLUMNS = {
    "created": "created_at",
    "name": "alias_key",
    "used": "last_used_at",
    "expires": "expires_at",
    "spend": "window_spend",
}


@pytest.fixture
def seven(mia):
    """Seven keys: two were never used and never expire, two share a moment."""
    values = (3, None, 1, 2, None, 2, 5)
    return [
        make_key(
            mia,
            f"key {number}",
            created_at=START + timedelta(minutes=number),
            last_used_at=value and START + timedelta(hours=value),
            expires_at=value and START + timedelta(days=900 + value),
            window_spend=(value or 0) * 1000,
        ).row
        for number, value in enumerate(values)
    ]


def walk(app, read, **wanted):
    """Follow the cursor to the end, each page a request of its own."""
    found, after = [], None
    while True:
        with app.app_context():
            page = read(KeyFilter(after=after, **wanted))
        found += page.items
        after = page.next_cursor
        if after is None:
            return found


@pytest.mark.parametrize("size", [1, 2, 3, 50])
@pytest.mark.parametrize("way", ["asc", "desc"])
@pytest.mark.parametrize("sort", COLUMNS)
def test_every_key_comes_once_in_order_and_the_empty_ones_last(app, as_actor, mia, seven, monkeypatch, sort, way, size):
    monkeypatch.setattr(paging, "ROWS_PER_PAGE", size)
    listed = walk(app, lambda wanted: key_lists.list_own_keys(as_actor(mia), wanted), sort=sort, dir=way)
    assert sorted(key.id for key in listed) == sorted(key.id for key in seven)
    values = [getattr(key, COLUMNS[sort]) for key in listed]
    filled = [value for value in values if value is not None]
    assert values == filled + [None] * (len(values) - len(filled))
    pairs = [(getattr(key, COLUMNS[sort]), key.id) for key in listed if getattr(key, COLUMNS[sort]) is not None]
    assert pairs == sorted(pairs, reverse=way == "desc")
    empty = [key.id for key in listed if getattr(key, COLUMNS[sort]) is None]
    assert empty == sorted(empty, reverse=way == "desc")


@pytest.mark.parametrize("sort", ["created", "used", "expires"])
def test_ada_sorts_everyones_keys_as_an_index_can(app, as_actor, ada, seven, sort):
    listed = walk(app, lambda wanted: key_lists.list_all_keys(as_actor(ada), wanted), sort=sort, dir="asc")
    assert sorted(key.id for key in listed) == sorted(key.id for key in seven)


@pytest.mark.parametrize("sort", ["name", "spend"])
def test_an_order_that_would_read_a_million_rows_is_not_offered(as_actor, ada, sort):
    with pytest.raises(Invalid, match="sort: must be one of created, used, expires"):
        key_lists.list_all_keys(as_actor(ada), KeyFilter(sort=sort))


@pytest.mark.parametrize("cursor", ["x", "x.y", ".", "9" * 40 + ".x", "-1e5.x", "20260617T12Z.x"])
@pytest.mark.parametrize("sort", ["created", "spend"])
def test_a_damaged_cursor_is_told(as_actor, mia, cursor, sort):
    """S-31: what a cursor holds is a value of the column or it is damage."""
    with pytest.raises(BadRequest):
        key_lists.list_own_keys(as_actor(mia), KeyFilter(after=cursor, sort=sort))


def test_spend_is_sorted_as_it_is_shown(app, as_actor, mia):
    """What was spent in a window that is over counts no more."""
    over = {"budget_duration": "1d", "budget_reset_at": datetime.now(UTC) - timedelta(hours=3)}
    stale, fresh = make_key(mia, window_spend=9000, **over).row, make_key(mia, window_spend=1000).row
    with app.app_context():
        listed = key_lists.list_own_keys(as_actor(mia), KeyFilter(sort="spend", dir="desc")).items
    assert [key.id for key in listed] == [fresh.id, stale.id]


@pytest.mark.parametrize("name", ["sk-prod-{:03}", "ß" * 250 + "{:03}"])
def test_names_that_look_like_keys_and_long_ones_have_a_next_page(browser, mia, monkeypatch, name):
    monkeypatch.setattr(paging, "ROWS_PER_PAGE", 2)
    for number in range(5):
        make_key(mia, name.format(number))
    page, seen, address = browser(mia), [], "/ui/keys?sort=name"
    for _ in range(3):
        answer = page.get(address)
        assert answer.status == 200
        links = {link.get("href", ""): "".join(link.itertext()) for link in answer.html.all("a")}
        seen += [link for link in links if re.fullmatch(r"/ui/keys/[0-9a-f-]{36}", link)]
        address = next((link for link, text in links.items() if text.strip() == "Next"), None)
    assert address is None
    assert sorted(set(seen)) == sorted(f"/ui/keys/{key.id}" for key in rows(ApiKey))
