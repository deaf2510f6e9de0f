"""The undo of a delete: ten minutes, in the browser, by whoever deleted or an admin, and never more than before."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.errors import Conflict, Forbidden, NotFound
from selfserve.models import ApiKey, AuditEvent, Tally
from selfserve.schemas.keys import KeyDelete, KeyFilter
from selfserve.services import key_deletes, key_lists, key_restores, user_deletes
from tests.factories import change, make_key, make_rotating_key, reload, rows


def keys_counted():
    return next(tally.amount for tally in rows(Tally) if tally.noun == "keys")


def deleted(as_actor, who, *keys):
    """Delete keys as the browser does."""
    key_deletes.delete_restorable(as_actor(who), [key.row.id for key in keys])


def test_mia_undoes_what_she_deleted_and_the_key_is_what_it_was(as_actor, curl, mia):
    key = make_rotating_key(mia, "laptop")
    before, counted = reload(key.row), keys_counted()
    deleted(as_actor, mia, key)
    assert curl(key.secret).get("/key/info").status == 401
    (restored,) = key_restores.restore_keys(as_actor(mia), [key.row.id])
    assert (restored.alias, restored.token, restored.expires_at) == (before.alias, before.token, before.expires_at)
    assert keys_counted() == counted
    assert [curl(secret).get("/key/info").status for secret in (key.secret, key.former)] == [200, 200]
    assert [event.action for event in rows(AuditEvent)] == ["key.deleted", "key.restored"]


def test_after_ten_minutes_it_is_too_late(as_actor, mia):
    key = make_key(mia)
    deleted(as_actor, mia, key)
    change(key.row, restorable_until=now() - timedelta(seconds=1))
    with pytest.raises(NotFound, match="ten minutes are over"):
        key_restores.restore_keys(as_actor(mia), [key.row.id])
    assert reload(key.row).deleted_at


def test_a_delete_by_curl_is_final(as_actor, mia):
    key = make_key(mia)
    key_deletes.delete_keys(as_actor(mia), KeyDelete(keys=[key.row.id]))
    with pytest.raises(NotFound):
        key_restores.restore_keys(as_actor(mia), [key.row.id])


def test_what_ada_deleted_mia_does_not_bring_back(as_actor, ada, mia):
    """S-7f: a delete with wider reach is not the owner's to lift."""
    key = make_key(mia)
    deleted(as_actor, ada, key)
    with pytest.raises(NotFound):
        key_restores.restore_keys(as_actor(mia), [key.row.id])
    assert key_lists.list_own_keys(as_actor(mia), KeyFilter(status="deleted")).items == []
    assert key_restores.restore_keys(as_actor(ada), [key.row.id])[0].id == key.row.id


def test_otto_brings_back_nothing_of_mias(as_actor, mia, otto):
    """S-6."""
    key = make_key(mia)
    deleted(as_actor, mia, key)
    with pytest.raises(NotFound):
        key_restores.restore_keys(as_actor(otto), [key.row.id])


def test_a_viewer_restores_nothing(as_actor, vera, ivo, mia):
    key = make_key(mia)
    deleted(as_actor, mia, key)
    for viewer in (vera, ivo):
        with pytest.raises(Forbidden):
            key_restores.restore_keys(as_actor(viewer), [key.row.id])


def test_a_block_and_every_limit_outlive_the_undo(as_actor, mia):
    """S-7f, S-38."""
    limits = {"is_blocked": True, "is_blocked_by_admin": True, "blocked_by": "Ada", "max_budget": 5, "window_spend": 5}
    key = make_key(mia, admin_limits={"max_budget": 5}, **limits)
    deleted(as_actor, mia, key)
    key_restores.restore_keys(as_actor(mia), [key.row.id])
    stored = reload(key.row)
    assert {name: getattr(stored, name) for name in limits} == limits
    assert stored.admin_limits == {"max_budget": 5}


def test_a_name_that_was_taken_meanwhile_is_told(as_actor, mia):
    key = make_key(mia, "laptop")
    deleted(as_actor, mia, key)
    make_key(mia, "laptop")
    with pytest.raises(Conflict, match="Another key is called “laptop”"):
        key_restores.restore_keys(as_actor(mia), [key.row.id])
    assert reload(key.row).deleted_at


def test_the_keys_of_somebody_deleted_stay_deleted(as_actor, ada, mia):
    """S-37: no key without its owner."""
    key = make_key(mia)
    deleted(as_actor, mia, key)
    user_deletes.delete_users(as_actor(ada), [mia.user_id])
    with pytest.raises(NotFound):
        key_restores.restore_keys(as_actor(ada), [key.row.id])


def test_several_come_back_together_or_not_at_all(as_actor, mia):
    keys = [make_key(mia) for _ in range(3)]
    deleted(as_actor, mia, *keys)
    change(keys[1].row, restorable_until=now() - timedelta(seconds=1))
    with pytest.raises(NotFound):
        key_restores.restore_keys(as_actor(mia), [key.row.id for key in keys])
    assert [key for key in rows(ApiKey) if key.deleted_at is None] == []
    key_restores.restore_keys(as_actor(mia), [keys[0].row.id, keys[2].row.id])
    assert len([key for key in rows(ApiKey) if key.deleted_at is None]) == 2


def test_a_second_click_changes_nothing_and_is_no_error(as_actor, mia):
    key = make_key(mia)
    deleted(as_actor, mia, key)
    for _ in range(2):
        assert key_restores.restore_keys(as_actor(mia), [key.row.id])[0].id == key.row.id
    assert keys_counted() == 1
    assert [event.action for event in rows(AuditEvent)].count("key.restored") == 1


def test_two_of_one_name_do_not_come_back_together(as_actor, mia):
    first, second = make_key(mia, "laptop"), None
    deleted(as_actor, mia, first)
    second = make_key(mia, "laptop")
    deleted(as_actor, mia, second)
    with pytest.raises(Conflict, match="Another key is called “laptop”"):
        key_restores.restore_keys(as_actor(mia), [first.row.id, second.row.id])
    assert key_restores.restore_keys(as_actor(mia), [first.row.id])


def test_the_list_of_what_can_be_undone_holds_just_that(as_actor, ada, mia, otto):
    undoable, final, gone = make_key(mia), make_key(mia), make_key(mia)
    others = make_key(otto)
    deleted(as_actor, mia, undoable, gone)
    deleted(as_actor, otto, others)
    change(gone.row, restorable_until=now() - timedelta(seconds=1))
    key_deletes.delete_keys(as_actor(mia), KeyDelete(keys=[final.row.id]))
    wanted = KeyFilter(status="deleted")
    assert [key.id for key in key_lists.list_own_keys(as_actor(mia), wanted).items] == [undoable.row.id]
    listed = {key.id for key in key_lists.list_all_keys(as_actor(ada), wanted).items}
    assert listed == {undoable.row.id, others.row.id}
