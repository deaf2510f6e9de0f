"""What ended has ended on the next request, and nothing brings it back (S-37, S-38, S-44)."""

from datetime import timedelta

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.models import ApiKey
from tests.factories import change, make_key, make_user, reload, rows
from tests.integration.security.actions import token_of


def by_page(path, **fields):
    return lambda page, _door, names: page.post(path.format(**names), fields | names["token"]).status


def by_curl(path, **body):
    return lambda _page, door, names: door.post(path, {k: names.get(v, v) for k, v in body.items()}).status


ENDS = {
    "key blocked on the page": by_page("/ui/keys/{key}/block"),
    "key deleted on the page": by_page("/ui/keys/{key}/delete"),
    "user blocked on the page": by_page("/ui/users/{user}/block"),
    "user deleted on the page": by_page("/ui/users/{user}/delete"),
    "key blocked by curl": by_curl("/key/block", key="key"),
    "key blocked by an update": by_curl("/key/update", key="key", blocked=True),
    "key deleted by curl": by_curl("/key/delete", keys="keys"),
    "user blocked by curl": by_curl("/user/update", user_id="user_id", blocked=True),
    "user deleted by curl": by_curl("/user/delete", user_ids="user_ids"),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_key_is_refused_on_the_very_next_request(browser, curl, ada, mia, end):
    """S-37: however it ended, after it was seen to work."""
    key, page = make_key(mia), browser(ada)
    names = {
        "key": key.row.id,
        "keys": [key.row.id],
        "user": mia.id,
        "user_id": "mia",
        "user_ids": ["mia"],
        "token": token_of(page),
    }
    door, admin = curl(key.secret), curl(ada)
    for path in ("/key/info", "/user/info"):
        assert door.get(path).status == 200
    assert end(page, admin, names) in (200, 303)
    for path in ("/key/info", "/user/info", "/key/list"):
        assert door.get(path).status == 401
    assert door.post("/key/generate", {}).status == 401


def test_a_key_stops_at_the_second_it_expires(curl, master, mia):
    """S-37: not a request later."""
    start = now()
    with travel(start, tick=False):
        made = master.post("/key/generate", {"user_id": "mia", "duration": "30s"}, reveals=True).json
    for seconds, status in ((29, 200), (30, 401), (31, 401)):
        with travel(start + timedelta(seconds=seconds), tick=False):
            assert curl(made["key"]).get("/key/info").status == status


def test_nobody_owns_nothing(master, mia):
    """S-37: a deleted person leaves no living key and no key without an owner."""
    keys = [make_key(mia) for _ in range(3)]
    master.post("/user/delete", {"user_ids": ["mia"]})
    stored = [reload(key.row) for key in keys]
    assert all(key.deleted_at and key.owner_id == mia.id for key in stored)


@pytest.mark.parametrize("body", [{"blocked": False}, {"user_role": "proxy_admin"}, {"user_email": "mia@example.com"}])
def test_the_deleted_do_not_come_back(curl, master, mia, body):
    """S-37: neither the person nor their keys, by no call and not with the same address again."""
    key = make_key(mia)
    master.post("/user/delete", {"user_ids": ["mia"]})
    assert master.post("/user/update", {"user_id": "mia", **body}).status == 404
    assert master.post("/invitation/new", {"user_id": "mia"}).status == 404
    assert master.post("/key/generate", {"user_id": "mia"}).status == 404
    again = master.post("/user/new", {"user_email": mia.email, "auto_create_key": False})
    assert again.status == 200
    assert curl(key.secret).get("/key/info").status == 401
    assert master.get("/user/info", user_id=again.json["user_id"]).json["keys"] == []


@pytest.mark.parametrize("deed", ["unblock", "block", "update"])
def test_a_deleted_key_does_not_come_back(curl, browser, master, mia, deed):
    """S-37: by curl and by the page it is a key like none."""
    key = make_key(mia, deleted_at=now())
    body = {"key": key.row.id, "blocked": False, "duration": "30d", "key_alias": "x"}
    assert master.post(f"/key/{deed}", body).status == 404
    page = browser(mia)
    if deed != "update":
        assert page.post(f"/ui/keys/{key.row.id}/{deed}", token_of(page)).status == 404
    assert curl(key.secret).get("/key/info").status == 401


def test_unblocking_a_person_revives_no_key_that_was_blocked_by_itself(curl, master, mia):
    """S-37: two blocks are two."""
    blocked, free = make_key(mia), make_key(mia)
    master.post("/key/block", {"key": blocked.row.id})
    for is_blocked in (True, False):
        master.post("/user/update", {"user_id": "mia", "blocked": is_blocked})
    assert curl(blocked.secret).get("/key/info").status == 401
    assert curl(free.secret).get("/key/info").status == 200


def test_nothing_new_is_made_for_who_is_blocked_or_gone(master, rex):
    """S-37: no key and no link for Rex."""
    before = len(rows(ApiKey))
    assert master.post("/key/generate", {"user_id": "rex"}).status == 409
    assert master.post("/invitation/new", {"user_id": "rex"}).status == 409
    assert len(rows(ApiKey)) == before


def test_unblocking_resets_neither_spend_nor_expiry(browser, ada, mia):
    """S-38: an expired key is not made to live by blocking and unblocking it."""
    key = make_key(mia, window_spend=7, total_spend=9, max_budget=7, expires_at=now() - timedelta(days=1))
    page = browser(ada)
    token = token_of(page)
    for deed in ("block", "unblock"):
        assert page.post(f"/ui/keys/{key.row.id}/{deed}", token).status == 303
    stored = reload(key.row)
    assert (stored.window_spend, stored.total_spend, stored.expires_at) == (7, 9, key.row.expires_at)


def test_a_mended_outage_leaves_nobody_as_somebody_else(curl, mia):
    """S-44: without an owner's row a key is nobody's; there is no user to fall back on."""
    ghost = make_user("Ghost")
    key = make_key(ghost)
    change(ghost, deleted_at=now())
    answer = curl(key.secret).get("/user/info")
    assert (answer.status, "default_user_id" in answer.text) == (401, False)
