"""Every management write and every refused login leaves a row, in the same transaction and without secrets (S-45)."""

import pytest

from selfserve.models import AuditEvent
from tests.application import MASTER_KEY
from tests.factories import PASSWORD, hash_of, make_invitation, make_key, make_user, rows
from tests.html import SECRET
from tests.integration.security.actions import CURL_DEEDS, PAGE_DEEDS, scene_of, token_of
from tests.integration.security.snapshots import unchanged

NEW_PASSWORD = "seven quiet foxes at noon"
ACTIONS = {
    "create": {"key.created", "user.created", "invitation.created"},
    "generate": {"key.created"},
    "new": {"user.created", "key.created", "invitation.created", "invitation.ended"},
    "update": {"key.updated", "user.updated", "invitation.ended", "price.updated"},
    "block": {"key.blocked", "user.updated"},
    "unblock": {"key.unblocked", "user.updated"},
    "delete": {"key.deleted", "user.deleted", "invitation.ended", "invitation.deleted", "price.deleted"},
    "save_price": {"price.updated"},
    "delete_price": {"price.deleted"},
    "regenerate": {"key.rotated"},
    "regenerate_named": {"key.rotated"},
    "end_grace": {"key.grace_ended"},
    "edit": {"key.updated"},
    "rename": {"key.updated"},
    "rotate": {"key.rotated"},
    "restore": {"key.restored"},
    "bulk_block": {"key.blocked"},
    "bulk_unblock": {"key.unblocked"},
    "bulk_delete": {"key.deleted"},
    "change_role": {"user.updated"},
    "invite": {"invitation.created", "invitation.ended"},
    "revoke": {"invitation.ended"},
    "end_sessions": {"session.ended"},
    "unlink": {"sso.unlinked", "invitation.ended"},
    "save": {"user.updated"},
}


def new_events(before):
    return [event for event in rows(AuditEvent) if event.id not in before]


def seen():
    return {event.id for event in rows(AuditEvent)}


@pytest.mark.parametrize("face", ["web", "api"])
def test_every_write_says_who_did_what_to_whom_and_from_where(browser, curl, ada, face):
    """S-45: walked from the URL map, so that a new write without a row is found."""
    page, door = browser(ada), curl(ada)
    token = token_of(page)
    for deed in PAGE_DEEDS if face == "web" else CURL_DEEDS:
        the_scene, before = scene_of(make_user(), make_user()), seen()
        if face == "web":
            page.post(deed.path(the_scene), deed.fields(the_scene) | token, reveals=True)
        else:
            door.post(deed.path(the_scene), deed.fields(the_scene), reveals=True)
        events = new_events(before)
        assert events, deed.endpoint
        for event in events:
            assert event.action in ACTIONS[deed.endpoint.rpartition(".")[2]], deed.endpoint
            assert (event.actor_user_id, event.actor_role, event.source) == ("ada", "proxy_admin", face)
            assert (event.address, len(event.request_id)) == ("127.0.0.1", 32)
            assert bool(event.actor_key_id) == (face == "api")
            assert event.object_id


def test_logins_good_and_bad_logouts_claims_and_passwords_are_written_down(browser, curl, mia, ina, rex):
    """S-45: with the person where there is one, without what was typed."""
    before = seen()
    for username, password in ((mia.email, "my dog's name"), ("typo@example.com", PASSWORD), (rex.email, PASSWORD)):
        curl().post("/v2/login", {"username": username, "password": password})
    events = new_events(before)
    assert [(event.action, event.object_id, event.actor_user_id) for event in events] == [
        ("login.failed", "mia", None), ("login.failed", None, None), ("login.failed", "rex", None)]  # fmt: skip
    before, page = seen(), browser(mia)
    page.get("/ui/account")
    page.submit("/ui/account/password", current_password=PASSWORD, new_password=NEW_PASSWORD)
    page.get("/ui/logout")
    page.submit("/ui/logout")
    guest = browser()
    guest.follow(guest.get(f"/ui/onboarding?id={make_invitation(ina).secret}"))
    guest.submit("/ui/onboarding", password=NEW_PASSWORD)
    assert [event.action for event in new_events(before)] == [
        "login.succeeded", "password.changed", "logout", "invitation.accepted", "login.succeeded"]  # fmt: skip


def test_no_row_holds_a_secret_or_a_hash(browser, curl, ada, mia):
    """S-45: litellm#31620 wrote raw keys into the audit log."""
    key, custom = make_key(mia), "sk-Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0Fe9Dc8"
    door, page = curl(ada), browser(ada)
    link = door.post("/invitation/new", {"user_id": "mia"}).json["id"]
    door.post("/key/generate", {"user_id": "mia", "key": custom})
    for path in ("/key/block", "/key/unblock", "/key/update"):
        door.post(path, {"key": key.secret, "key_alias": "renamed"})
    door.post("/key/delete", {"keys": [key.secret, custom]})
    door.post("/invitation/delete", {"invitation_id": link})
    page.post("/ui/users", {"emails": "new@example.com", "role": "internal_user"} | token_of(page))
    curl().post("/v2/login", {"username": mia.email, "password": key.secret})
    written = str([vars(event) for event in rows(AuditEvent)])
    assert len(rows(AuditEvent)) >= 10
    assert not SECRET.search(written)
    for secret in (custom, link, key.row.token, PASSWORD, hash_of(PASSWORD), MASTER_KEY, "password_hash"):
        assert secret not in written


def test_what_was_refused_is_not_written_down_as_done(browser, curl, ada, mia):
    """S-45: the row is in the transaction of the deed: no deed, no row."""
    make_key(mia, "laptop")
    door, page = curl(mia), browser(ada)
    token = token_of(page)
    with unchanged():
        assert door.post("/key/generate", {"key_alias": "laptop"}).status == 409
        assert door.post("/key/delete", {"keys": ["sk-nobody"]}).status == 404
        assert page.post("/ui/users", {"emails": "x@example.com mia@example.com"} | token).status == 422
        assert page.post(f"/ui/users/{ada.id}/delete", token).status == 409


def test_no_route_changes_or_removes_a_row(queries, master):
    """S-45: rows are only ever added."""
    with queries() as sent:
        for deed in CURL_DEEDS:
            scene = scene_of(make_user(), make_user())
            master.post(deed.path(scene), deed.fields(scene), reveals=True)
    about = [statement for statement in sent if "audit_events" in statement]
    assert about
    assert all(statement.startswith("INSERT") for statement in about)
