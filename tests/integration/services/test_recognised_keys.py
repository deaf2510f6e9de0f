"""A key is read once when somebody comes with it, and what was read can neither be written nor outlive a change."""

import pytest
from sqlalchemy.orm.exc import UnmappedInstanceError

from selfserve.permissions import Client
from selfserve.services import auth
from tests.application import MASTER_KEY
from tests.factories import change, make_key


def recognised(app, secret):
    """Give the key that `identify` read, not on its first use, which is noted."""
    with app.app_context():
        for _ in range(2):
            actor = auth.identify(secret, MASTER_KEY, Client(source="api"))
    return actor.key.row


def test_a_key_that_asks_about_itself_is_read_once(curl, queries, mia):
    door = curl(mia)
    first = door.get("/key/info").json
    with queries() as sent:
        again = door.get("/key/info").json
    assert len(sent) == 1
    assert again == first


def test_its_first_use_is_told_in_the_very_answer(curl, mia):
    key = make_key(mia)
    assert key.row.last_used_at is None
    assert curl(key.secret).get("/key/info").json["info"]["last_active"]


def test_a_change_shows_in_the_next_answer(curl, mia):
    key = make_key(mia, "laptop")
    door = curl(key.secret)
    door.get("/key/info")
    change(key.row, alias="desk")
    assert door.get("/key/info").json["info"]["key_alias"] == "desk"
    change(key.row, is_blocked=True)
    assert door.get("/key/info").status == 401


def test_what_was_not_read_is_an_error_rather_than_nothing(app, mia):
    row = recognised(app, make_key(mia, "laptop").secret)
    assert (row.alias, row.owner.user_id, row.status) == ("laptop", "mia", "active")
    with pytest.raises(UnmappedInstanceError):
        _ = row.owner.password_hash


def test_it_cannot_be_written(app, mia):
    row = recognised(app, make_key(mia).secret)
    with pytest.raises(AttributeError):
        row.is_blocked = True
