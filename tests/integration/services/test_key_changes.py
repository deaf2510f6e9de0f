"""Several keys at once, and who would miss a key."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.errors import Forbidden, NotFound
from selfserve.models import AuditEvent
from selfserve.schemas.spend import CallRecord
from selfserve.services import key_changes, key_deletes, key_use, paging, spend
from tests.factories import make_key, reload, rows

NOBODY = "00000000-0000-4000-8000-000000000000"


def test_mia_blocks_and_unblocks_what_she_ticked(as_actor, mia):
    keys = [make_key(mia).row for _ in range(3)]
    done = key_changes.block_keys(as_actor(mia), [key.id for key in keys[:2]], is_blocked=True)
    assert [reload(key).is_blocked for key in keys] == [True, True, False]
    assert {key.id for key in done} == {key.id for key in keys[:2]}
    key_changes.block_keys(as_actor(mia), [key.id for key in keys], is_blocked=False)
    assert [reload(key).is_blocked for key in keys] == [False, False, False]
    assert [event.action for event in rows(AuditEvent)] == ["key.blocked"] * 2 + ["key.unblocked"] * 3


def test_what_is_not_hers_is_left_out_and_nothing_but_that_is_nothing(as_actor, mia, otto):
    """S-6: single or in a batch."""
    own, others = make_key(mia).row, make_key(otto).row
    done = key_changes.block_keys(as_actor(mia), [own.id, others.id, NOBODY], is_blocked=True)
    assert [key.id for key in done] == [own.id]
    assert reload(others).is_blocked is False
    for ids in ([others.id], [NOBODY]):
        with pytest.raises(NotFound):
            key_changes.block_keys(as_actor(mia), ids, is_blocked=True)
        with pytest.raises(NotFound):
            key_deletes.delete_restorable(as_actor(mia), ids)


def test_one_that_an_admin_blocked_stops_the_whole_unblocking(as_actor, mia):
    """S-7f: and its name is told."""
    free = make_key(mia, is_blocked=True).row
    held = make_key(mia, "held", is_blocked=True, is_blocked_by_admin=True).row
    with pytest.raises(Forbidden, match="An admin blocked held"):
        key_changes.block_keys(as_actor(mia), [free.id, held.id], is_blocked=False)
    assert reload(free).is_blocked


def test_viewers_block_and_delete_nothing(as_actor, vera, ivo, mia):
    """S-7e."""
    key = make_key(mia).row
    for viewer in (vera, ivo):
        with pytest.raises(Forbidden):
            key_changes.block_keys(as_actor(viewer), [key.id], is_blocked=True)
        with pytest.raises(Forbidden):
            key_deletes.delete_restorable(as_actor(viewer), [key.id])


def call(key, number, **told):
    """Describe one call with a key."""
    started = told.pop("started_at", now() - timedelta(minutes=number))
    return CallRecord(request_id=f"call-{number}", key_id=key.id, model="a", started_at=started, cost=1, **told)


def test_who_used_a_key_in_the_last_day(app, mia, otto):
    key, other = make_key(mia).row, make_key(otto).row
    with app.app_context():
        spend.record_calls(
            [
                call(key, 1, user_agent="node-fetch", address="10.0.3.9"),
                call(key, 2, user_agent="python-requests", address="10.0.3.7"),
                call(key, 3, user_agent="python-requests", address="10.0.3.7"),
                call(key, 4),
                call(key, 5, user_agent="long ago", started_at=now() - timedelta(hours=25)),
                call(other, 6, user_agent="somebody else"),
            ]
        )
        use = key_use.use_of(key)
    assert (use.calls, use.is_capped, use.models) == (4, False, ["a"])
    assert use.agents == [("node-fetch", "10.0.3.9"), ("python-requests", "10.0.3.7")]


def test_nobody_used_it(app, mia):
    with app.app_context():
        use = key_use.use_of(make_key(mia).row)
    assert (use.calls, use.models, use.agents) == (0, [], [])


def test_many_calls_are_counted_up_to_a_bound(app, mia, monkeypatch):
    monkeypatch.setattr(paging, "MOST_COUNTED", 3)
    key = make_key(mia).row
    with app.app_context():
        spend.record_calls([call(key, number) for number in range(1, 6)])
        use = key_use.use_of(key)
    assert (use.calls, use.is_capped) == (3, True)
