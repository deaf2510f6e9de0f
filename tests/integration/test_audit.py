"""Every management write leaves one row that says who did what to what, in the transaction of the deed (S-45).

Who was let in and who was not: security/test_audit_trail.py.
"""

import json

import pytest

from selfserve.models import AuditEvent
from tests.application import MASTER_KEY
from tests.factories import PASSWORD, rows
from tests.html import SECRET
from tests.integration.security.actions import CURL_DEEDS, PAGE_DEEDS, scene_of

EVENTS = {
    # endpoint: (action, kind of thing)
    "keys.create": ("key.created", "key"),
    "keys.block": ("key.blocked", "key"),
    "keys.unblock": ("key.unblocked", "key"),
    "keys.delete": ("key.deleted", "key"),
    "keys.restore": ("key.restored", "key"),
    "keys.rename": ("key.updated", "key"),
    "keys.edit": ("key.updated", "key"),
    "keys.rotate": ("key.rotated", "key"),
    "keys.end_grace": ("key.grace_ended", "key"),
    "keys.bulk_block": ("key.blocked", "key"),
    "keys.bulk_unblock": ("key.unblocked", "key"),
    "keys.bulk_delete": ("key.deleted", "key"),
    "users.change_role": ("user.updated", "user"),
    "users.block": ("user.updated", "user"),
    "users.unblock": ("user.updated", "user"),
    "users.delete": ("user.deleted", "user"),
    "users.invite": ("invitation.created", "invitation"),
    "users.reset": ("reset.created", "user"),
    "users.revoke": ("invitation.ended", "invitation"),
    "users.revoke_reset": ("reset.ended", "user"),
    "users.save": ("user.updated", "user"),
    "users.end_sessions": ("session.ended", "user"),
    "users.unlink": ("sso.unlinked", "user"),
    "users.create": ("user.created", "user"),
    "settings.save_price": ("price.updated", "price"),
    "settings.delete_price": ("price.deleted", "price"),
    "prices_api.update": ("price.updated", "price"),
    "prices_api.delete": ("price.deleted", "price"),
    "keys_api.generate": ("key.created", "key"),
    "keys_api.update": ("key.updated", "key"),
    "keys_api.block": ("key.blocked", "key"),
    "keys_api.unblock": ("key.unblocked", "key"),
    "keys_api.delete": ("key.deleted", "key"),
    "keys_api.regenerate": ("key.rotated", "key"),
    "keys_api.regenerate_named": ("key.rotated", "key"),
    "keys_api.end_grace": ("key.grace_ended", "key"),
    "users_api.new": ("user.created", "user"),
    "users_api.update": ("user.updated", "user"),
    "users_api.reset_password": ("reset.created", "user"),
    "users_api.delete": ("user.deleted", "user"),
    "onboarding_api.new": ("invitation.created", "invitation"),
    "onboarding_api.update": ("invitation.ended", "invitation"),
    "onboarding_api.delete": ("invitation.deleted", "invitation"),
}


def events_of(action):
    return [event for event in rows(AuditEvent) if event.action == action]


@pytest.fixture
def scene(mia, otto):
    """Mia's key, and an open link of Otto's."""
    return scene_of(mia, otto)


def test_no_write_is_missing_here():
    """S-45: the list is held against the URL map, so that a new write without a row is found."""
    assert {deed.endpoint for deed in (*PAGE_DEEDS, *CURL_DEEDS)} == set(EVENTS)


@pytest.mark.parametrize("deed", PAGE_DEEDS, ids=lambda deed: deed.endpoint)
def test_what_ada_does_on_a_page_is_written_down(browser, ada, scene, deed):
    page = browser(ada)
    page.get("/ui/account")
    answer = page.post(deed.path(scene), deed.fields(scene), reveals=True)
    assert_written(deed, answer, "web", "ada")


@pytest.mark.parametrize("deed", CURL_DEEDS, ids=lambda deed: deed.endpoint)
def test_what_ada_does_by_curl_is_written_down_with_her_key(curl, ada, scene, deed):
    answer = curl(ada).post(deed.path(scene), deed.fields(scene), reveals=True)
    event = assert_written(deed, answer, "api", "ada")
    assert event.actor_key_id


def assert_written(deed, answer, source, who):
    """One row, with the who, the where and the what, and without any secret."""
    assert answer.status in (200, 201, 303)
    action, noun = EVENTS[deed.endpoint]
    (event,) = events_of(action)
    assert (event.object_type, event.source, event.actor_user_id) == (noun, source, who)
    assert (event.actor_role, event.address) == ("proxy_admin", "127.0.0.1")
    assert event.request_id == answer.headers["x-request-id"]
    assert event.object_id
    return event


def test_signing_in_and_out_and_failing_to_are_written_down(browser, mia):
    page = browser()
    page.get("/ui/login")
    page.submit("/ui/login", username="mia@example.com", password="wrong password")
    page.submit("/ui/login", username="mia@example.com", password=PASSWORD)
    page.get("/ui/logout")
    page.submit("/ui/logout")
    told = [(event.action, event.actor_user_id, event.object_id) for event in rows(AuditEvent)]
    assert told == [("login.failed", None, "mia"), ("login.succeeded", "mia", "mia"), ("logout", "mia", "mia")]


def test_the_own_password_is_written_down_without_it(browser, mia):
    page = browser(mia)
    page.get("/ui/account")
    page.submit("/ui/account/password", current_password=PASSWORD, new_password="seven quiet foxes at noon")
    assert len(events_of("password.changed")) == 1


def test_no_row_holds_a_secret_or_a_hash(browser, curl, ada, scene):
    door, page = curl(ada), browser(ada)
    secrets = [PASSWORD, MASTER_KEY, scene.key.secret, scene.key.row.token, scene.invitation.secret, door.token]
    page.get("/ui/account")
    for deed in (*CURL_DEEDS, *PAGE_DEEDS):
        sender = door if deed in CURL_DEEDS else page
        answer = sender.post(deed.path(scene), deed.fields(scene), reveals=True)
        secrets += SECRET.findall(answer.text)
    written = json.dumps([{k: str(v) for k, v in vars(event).items()} for event in rows(AuditEvent)])
    assert len(rows(AuditEvent)) > 6
    assert [secret for secret in secrets if secret in written] == []
    assert "argon2" not in written


def test_a_refusal_is_no_deed(curl, mia, otto, scene):
    before = len(rows(AuditEvent))
    door = curl(otto)
    for deed in CURL_DEEDS:
        if deed.endpoint != "keys_api.generate":
            assert door.post(deed.path(scene), deed.fields(scene)).status in (403, 404)
    assert len(rows(AuditEvent)) == before


def test_what_changed_is_told_before_and_after(curl, ada, mia):
    curl(ada).post("/user/update", {"user_id": "mia", "max_budget": 5, "user_role": "internal_user_viewer"})
    (event,) = events_of("user.updated")
    assert event.owner_user_id == "mia"
    assert event.before["role"] == "internal_user"
    assert event.after["role"] == "internal_user_viewer"
