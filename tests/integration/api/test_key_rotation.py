"""Rotation by curl: a new secret for the same key, and how long the one before it still works."""

from datetime import datetime, timedelta

import pytest

from selfserve.clock import now
from selfserve.minting import fingerprint, mint_key
from selfserve.models import ApiKey, AuditEvent, FormerSecret
from tests.application import MASTER_KEY
from tests.factories import change, make_key, make_rotating_key, make_user, reload, rows

CHOSEN = "sk-chosen-by-an-admin-0123456789abc"


def works(curl, secret):
    """Whether a secret opens the API."""
    return curl(secret).get("/key/info").status == 200


def rotated(curl, key, **body):
    """Rotate a key with itself and give the answer."""
    answer = curl(key.secret).post("/key/regenerate", {"key": key.row.id, **body}, reveals=True)
    assert answer.status == 200
    return answer.json


@pytest.mark.parametrize("name", ["id", "token", "secret"])
@pytest.mark.parametrize("in_path", [True, False], ids=["path", "body"])
def test_mia_rotates_her_key_by_any_of_its_names(curl, mia, name, in_path):
    key = make_key(mia, "laptop")
    asked = {"id": key.row.id, "token": key.row.token, "secret": key.secret}[name]
    path, body = (f"/key/{asked}/regenerate", {}) if in_path else ("/key/regenerate", {"key": asked})
    made = curl(mia).post(path, body, reveals=True).json
    assert made["key"] != key.secret
    assert made["token"] == made["token_id"] == fingerprint(made["key"])
    assert made["id"] == key.row.id
    assert works(curl, made["key"])
    assert not works(curl, key.secret)


def test_the_path_needs_no_body(curl, mia):
    key = make_key(mia)
    answer = curl(mia).send("POST", f"/key/{key.row.id}/regenerate", reveals=True)
    assert answer.status == 200


def test_the_path_names_the_key_and_the_body_its_limits(curl, mia, otto):
    key, others = make_key(mia), make_key(otto)
    body = {"key": others.row.id, "max_budget": "12.50", "duration": "1h"}
    made = curl(mia).post(f"/key/{key.row.id}/regenerate", body, reveals=True).json
    assert (made["id"], made["max_budget"], made["duration"]) == (key.row.id, 12.5, "1h")


def test_nonsense_in_the_path_is_told(curl, mia):
    assert curl(mia).post("/key/a%00b/regenerate", {}).status == 422
    assert curl(mia).post(f"/key/{'x' * 600}/regenerate", {}).status == 422


def test_without_a_name_the_key_that_asks_is_meant_and_the_master_key_has_to_name_one(curl, mia):
    key = make_key(mia)
    made = curl(key.secret).post("/key/regenerate", {}, reveals=True).json
    assert made["id"] == key.row.id
    refused = curl(MASTER_KEY).post("/key/regenerate", {})
    assert (refused.status, refused.error["param"]) == (422, "key")


def test_everything_but_the_secret_stays(curl, mia):
    """S-38: id, alias, limits, spend and history; rotation never lowers what was spent."""
    key = make_key(
        mia, "laptop", max_budget=5_000_000_000, window_spend=7, total_spend=9, models=["a"], rpm_limit=3,
        expires_at=now() + timedelta(days=3), tags=["x"], details={"team": "y"},
    )  # fmt: skip
    before, _ = reload(key.row), rotated(curl, key)
    after = reload(key.row)
    kept = ("id", "alias", "max_budget", "window_spend", "total_spend", "models", "rpm_limit", "expires_at", "tags",
            "details", "created_at", "created_by", "key_type", "allowed_routes", "owner_id")  # fmt: skip
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert after.token != before.token
    assert after.rotated_at


def test_the_old_secret_works_until_the_grace_ends_and_not_a_second_longer(curl, mia):
    """S-37: the end is looked at on every call."""
    key = make_key(mia)
    made = rotated(curl, key, grace_period="24h")
    ends = datetime.fromisoformat(made["grace_ends_at"]) - datetime.fromisoformat(made["last_rotation_at"])
    assert ends == timedelta(hours=24)
    assert works(curl, key.secret)
    assert works(curl, made["key"])
    former = rows(FormerSecret)[0]
    change(former, ends_at=now() - timedelta(seconds=1))
    refused = curl(key.secret).get("/key/info")
    assert (refused.status, refused.error["type"]) == (401, "expired_key")
    assert "use its new secret" in refused.error["message"]
    assert works(curl, made["key"])


def test_the_grace_never_outlives_the_key(curl, mia):
    expires = now() + timedelta(hours=2)
    key = make_key(mia, expires_at=expires)
    made = rotated(curl, key, grace_period="30d")
    assert datetime.fromisoformat(made["grace_ends_at"]) == expires
    change(key.row, expires_at=now() - timedelta(seconds=1))
    assert not works(curl, key.secret)


def test_the_old_secret_acts_and_is_named_like_the_key_while_it_works(curl, mia):
    key = make_rotating_key(mia, "laptop")
    assert curl(key.former).get("/key/info").json["info"]["key_alias"] == "laptop"
    assert curl(key.former).get("/key/info", key=key.former).status == 200
    assert curl(mia).post("/key/block", {"key": key.former}).json["blocked"] is True


def test_a_blocked_or_deleted_key_is_closed_to_both_secrets(curl, ada, mia):
    """S-37: the old secret opens nothing that the new one does not."""
    for path, body in (("/key/block", "key"), ("/key/delete", "keys")):
        key = make_rotating_key(mia)
        curl(ada).post(path, {body: [key.row.id] if body == "keys" else key.row.id})
        assert not works(curl, key.former)
        assert not works(curl, key.secret)


def test_a_delete_by_the_old_secret_deletes_the_key(curl, mia):
    key = make_rotating_key(mia)
    answer = curl(mia).post("/key/delete", {"keys": [key.former]})
    assert answer.json["deleted_keys"] == [fingerprint(key.former)]
    assert not works(curl, key.secret)


def test_the_grace_is_ended_early(curl, mia):
    key = make_rotating_key(mia)
    assert works(curl, key.former)
    assert curl(mia).post("/key/grace/end", {"key": key.row.id}).json["grace_ends_at"] is None
    assert not works(curl, key.former)
    assert works(curl, key.secret)
    again = curl(mia).post("/key/grace/end", {"key": key.row.id})
    assert again.status == 200
    assert [event.action for event in rows(AuditEvent)].count("key.grace_ended") == 1


def test_a_second_grace_is_refused_while_one_is_open_but_stopping_everything_never_is(curl, mia):
    key = make_rotating_key(mia)
    refused = curl(mia).post("/key/regenerate", {"key": key.row.id, "grace_period": "1h"})
    assert (refused.status, refused.error["param"]) == (409, "grace_period")
    assert works(curl, key.former)
    made = curl(mia).post("/key/regenerate", {"key": key.row.id}, reveals=True).json
    assert [works(curl, secret) for secret in (key.former, key.secret, made["key"])] == [False, False, True]


def test_until_the_new_one_is_used_then_an_hour(curl, mia):
    key = make_key(mia)
    made = rotated(curl, key, until_use=True)
    assert works(curl, key.secret)
    assert reload(key.row).grace_ends_at > now() + timedelta(days=6)
    assert works(curl, made["key"])
    assert timedelta(minutes=59) < reload(key.row).grace_ends_at - now() <= timedelta(hours=1)
    assert rows(FormerSecret)[0].ends_at == reload(key.row).grace_ends_at
    assert works(curl, key.secret)


def test_a_key_that_ends_sooner_keeps_its_end_when_the_new_secret_is_used(curl, mia):
    key = make_key(mia, expires_at=now() + timedelta(minutes=5))
    made = rotated(curl, key, until_use=True)
    assert works(curl, made["key"])
    assert reload(key.row).grace_ends_at == key.row.expires_at


def test_an_expired_key_is_not_rotated_into_life(curl, ada, mia):
    """S-38."""
    key = make_key(mia, expires_at=now() - timedelta(days=1))
    for door in (curl(mia), curl(ada)):
        assert door.post("/key/regenerate", {"key": key.row.id, "duration": "30d"}).status == 409
    assert reload(key.row).token == key.row.token


def test_a_blocked_key_stays_blocked_with_its_new_secret(curl, mia):
    """S-7f: rotation lifts nothing."""
    key = make_key(mia, is_blocked=True, is_blocked_by_admin=True, blocked_by="Ada")
    made = curl(mia).post("/key/regenerate", {"key": key.row.id}, reveals=True).json
    assert made["blocked"] is True
    assert not works(curl, made["key"])
    assert curl(mia).post("/key/regenerate", {"key": key.row.id, "blocked": False}).status == 403


def test_limits_change_with_the_secret_as_far_as_they_may(curl, mia):
    """S-7: checked at rotation as at an update."""
    key = make_key(mia, max_budget=5_000_000_000, admin_limits={"max_budget": 5_000_000_000})
    refused = curl(mia).post("/key/regenerate", {"key": key.row.id, "max_budget": 6})
    assert (refused.status, refused.error["param"]) == (422, "max_budget")
    assert reload(key.row).token == key.row.token
    made = curl(mia).post("/key/regenerate", {"key": key.row.id, "max_budget": 4, "key_alias": "new"}, reveals=True)
    assert (made.json["max_budget"], made.json["key_alias"]) == (4, "new")


@pytest.mark.parametrize("field", ["new_key", "spend", "allowed_routes", "permissions"])
def test_mia_may_not_set_what_is_an_admins(curl, mia, field):
    """S-5, S-17: the new secret above all."""
    key = make_key(mia)
    value = {"new_key": CHOSEN, "spend": 1, "allowed_routes": ["/key/info"], "permissions": {"a": 1}}[field]
    refused = curl(mia).post("/key/regenerate", {"key": key.row.id, field: value})
    assert (refused.status, refused.error["param"]) == (403, field)
    assert reload(key.row).token == key.row.token


def test_ada_may_choose_the_secret_but_none_that_was_ever_used(curl, ada, mia):
    key, former = make_key(mia), CHOSEN
    door = curl(ada)
    assert door.post("/key/regenerate", {"key": key.row.id, "new_key": former}).json["token"] == fingerprint(former)
    door.post("/key/regenerate", {"key": key.row.id}, reveals=True)
    for path, body in (
        ("/key/regenerate", {"key": key.row.id, "new_key": former}),
        ("/key/generate", {"key": former}),
        ("/key/generate", {"key": key.secret}),
    ):
        assert door.post(path, body).status == 409, path
    assert door.post("/key/regenerate", {"key": key.row.id, "new_key": "sk-short"}).status == 422


def test_the_master_key_is_not_changed_here(curl):
    refused = curl(MASTER_KEY).post("/key/regenerate", {"key": "x", "new_master_key": CHOSEN})
    assert (refused.status, refused.error["param"]) == (422, "new_master_key")


@pytest.mark.parametrize("role", ["proxy_admin_viewer", "internal_user_viewer"])
def test_viewers_rotate_nothing(curl, mia, role):
    """S-7e."""
    key, viewer = make_rotating_key(mia), make_user(role=role)
    for path in ("/key/regenerate", f"/key/{key.row.id}/regenerate", "/key/grace/end"):
        assert curl(viewer).post(path, {"key": key.row.id}).status == 403
    assert works(curl, key.former)


def test_another_persons_key_is_not_there(curl, mia, otto):
    """S-6."""
    key = make_rotating_key(mia)
    for path in ("/key/regenerate", f"/key/{key.row.id}/regenerate", "/key/grace/end"):
        answer = curl(otto).post(path, {"key": key.row.id})
        assert (answer.status, answer.error["message"]) == (404, "There is no such key.")


def test_each_secret_remembers_its_own_last_use(curl, mia):
    key = make_rotating_key(mia)
    curl(key.former).get("/key/info", headers={"User-Agent": "old-script/1"})
    assert (rows(FormerSecret)[0].last_agent, reload(key.row).secret_used_at) == ("old-script/1", None)
    assert reload(key.row).last_agent == "old-script/1"
    curl(key.secret).get("/key/info", headers={"User-Agent": "new-script/2"})
    stored = reload(key.row)
    assert (stored.last_agent, stored.last_address) == ("new-script/2", "127.0.0.1")
    assert stored.secret_used_at == stored.last_used_at
    assert rows(FormerSecret)[0].last_agent == "old-script/1"


def test_use_is_noted_at_most_once_a_minute(curl, mia):
    key = make_key(mia)
    curl(key.secret).get("/key/info")
    first = reload(key.row).last_used_at
    curl(key.secret).get("/key/info")
    assert reload(key.row).last_used_at == first
    change(key.row, secret_used_at=now() - timedelta(seconds=61), last_used_at=now() - timedelta(seconds=61))
    curl(key.secret).get("/key/info")
    assert reload(key.row).last_used_at > first


def test_what_is_written_down_holds_neither_secret_nor_hash(curl, mia):
    """S-45."""
    key = make_key(mia)
    made = rotated(curl, key, grace_period="1h")
    (event,) = [event for event in rows(AuditEvent) if event.action == "key.rotated"]
    told = f"{event.before}{event.after}"
    assert event.after["grace_ends_at"]
    assert [word for word in (key.secret, made["key"], key.row.token, made["token"]) if word in told] == []


def test_a_made_up_key_costs_no_question(curl):
    """A wrong checksum is refused before the database is asked, also for former secrets."""
    mint = mint_key()
    assert curl(mint[:-1] + ("a" if mint[-1] != "a" else "b")).get("/key/info").status == 401
    assert rows(ApiKey) == []


WRITES_OF_A_KEY = {
    "/key/regenerate": {},
    "/key/grace/end": {"key": "<key>"},
    "/key/generate": {},
    "/key/update": {"key": "<key>", "duration": None},
    "/key/block": {"key": "<key>"},
    "/key/unblock": {"key": "<key>"},
    "/key/delete": {"keys": ["<key>"]},
}


@pytest.mark.parametrize("role", ["internal_user", "proxy_admin"])
@pytest.mark.parametrize("path", WRITES_OF_A_KEY)
def test_whoever_has_the_old_secret_changes_nothing_with_it(curl, path, role):
    """S-37: rotation is what one does when the old secret is in the wrong hands; it must not rotate back."""
    key = make_rotating_key(make_user(role=role))
    body = {name: _named_key(value, key) for name, value in WRITES_OF_A_KEY[path].items()}
    refused = curl(key.former).post(path, body)
    assert (refused.status, "rotated" in refused.error["message"]) == (403, True)
    assert works(curl, key.secret)
    assert works(curl, key.former)
    assert len(rows(ApiKey)) == 1


def _named_key(value, key):
    """Put the key's id where it is meant."""
    if isinstance(value, list):
        return [key.row.id]
    return key.row.id if value == "<key>" else value


def test_every_key_may_ask_for_its_own_health_and_look_at_itself_by_either_secret(curl, mia):
    for routes in ([], ["llm_api_routes"], ["info_routes"]):
        key = make_rotating_key(mia)
        change(key.row, allowed_routes=routes)
        for secret in (key.secret, key.former):
            assert curl(secret).get("/key/health").status == 200
            assert curl(secret).get("/key/info", key=secret).status == 200


def test_a_null_that_comes_along_clears_nothing(curl, mia):
    """Many clients send every field they know; where a key is made, a null is not given, either."""
    key = make_key(mia, "laptop", max_budget=5_000_000_000, models=["a"], expires_at=now() + timedelta(days=3))
    nulls = dict.fromkeys(("key_alias", "duration", "models", "max_budget", "budget_duration", "tags", "blocked"))
    made = rotated(curl, key, **nulls)
    assert (made["key_alias"], made["max_budget"], made["models"]) == ("laptop", 5, ["a"])
    assert made["expires"]


def test_a_key_that_is_made_to_end_sooner_takes_the_grace_along(curl, mia):
    key = make_rotating_key(mia, lasts=timedelta(days=7))
    told = curl(mia).post("/key/update", {"key": key.row.id, "duration": "1h"}).json
    assert told["grace_ends_at"] == told["expires"]
    later = curl(mia).post("/key/update", {"key": key.row.id, "duration": "30d"}).json
    assert later["grace_ends_at"] == told["grace_ends_at"]
    assert rows(FormerSecret)[0].ends_at == reload(key.row).grace_ends_at
