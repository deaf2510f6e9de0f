"""Every deed is on record, in its own transaction; one that fails leaves nothing, and no record holds a secret."""

from dataclasses import dataclass

import pytest
from sqlalchemy import event

from selfserve.errors import Conflict, Forbidden, Gone, Invalid, NotFound, Unauthenticated
from selfserve.extensions import db
from selfserve.models import ApiKey, AuditEvent, Invitation, User
from selfserve.permissions import Client, Role
from selfserve.schemas.account import PasswordChange
from selfserve.schemas.keys import KeyCreate, KeyDelete, KeyUpdate
from selfserve.schemas.users import InvitePeople, UserCreate, UserUpdate
from selfserve.services import (
    account,
    auth,
    bootstrap,
    invitations,
    key_changes,
    key_deletes,
    keys,
    onboarding,
    user_changes,
    user_deletes,
    users,
)
from tests.application import MASTER_KEY
from tests.factories import PASSWORD, make_invitation, make_key, rows
from tests.html import SECRET

NEW_PASSWORD = "seven quiet foxes at noon"
VISITOR = Client(source="web", address="10.0.0.9", request_id="a-visit")


@dataclass
class Scene:
    """Ada acts; Mia has a key and Ina an open link."""

    ada: object
    mia: object
    ina: object
    key: object
    link: object


@pytest.fixture
def scene(as_actor, ada, mia, ina):
    return Scene(as_actor(ada), mia, ina, make_key(mia, "laptop"), make_invitation(ina))


def told():
    """What the record says was done, in order."""
    return [(event.action, event.object_type) for event in sorted(rows(AuditEvent), key=lambda event: event.id)]


def claim(scene, password=NEW_PASSWORD, email=None):
    return onboarding.claim(scene.link.row.id, password, email, VISITOR, shortest=12)


MADE_KEY, MADE_USER, MADE_LINK = ("key.created", "key"), ("user.created", "user"), ("invitation.created", "invitation")
ENDED_LINK, CHANGED_USER, DELETED_KEY = (
    ("invitation.ended", "invitation"),
    ("user.updated", "user"),
    ("key.deleted", "key"),
)
DEEDS = {
    "make a key": (lambda s: keys.create_key(s.ada, KeyCreate(key_alias="new")), [MADE_KEY]),
    "change a key": (
        lambda s: key_changes.update_key(s.ada, KeyUpdate(key=s.key.row.id, key_alias="new")),
        [("key.updated", "key")],
    ),
    "block a key": (lambda s: key_changes.block_key(s.ada, s.key.row.id), [("key.blocked", "key")]),
    "unblock a key": (lambda s: key_changes.unblock_key(s.ada, s.key.row.id), [("key.unblocked", "key")]),
    "delete a key": (lambda s: key_deletes.delete_restorable(s.ada, [s.key.row.id]), [DELETED_KEY]),
    "delete keys by name": (
        lambda s: key_deletes.delete_keys(s.ada, KeyDelete(key_aliases=["laptop", "none"])), [DELETED_KEY]),
    "make a user": (
        lambda s: users.create_user(s.ada, UserCreate(user_email="n@example.com"), with_key=False), [MADE_USER]),
    "make a user with a key": (
        lambda s: users.create_user(s.ada, UserCreate(user_email="n@example.com"), with_key=True),
        [MADE_USER, MADE_KEY]),
    "invite two": (
        lambda s: invitations.invite_people(s.ada, InvitePeople(emails=["a@example.com", "b@example.com"])),
        [MADE_USER, MADE_LINK, MADE_USER, MADE_LINK]),
    "change a role": (lambda s: user_changes.change_role(s.ada, s.mia.id, Role.INTERNAL_USER_VIEWER), [CHANGED_USER]),
    "change a user": (
        lambda s: user_changes.update_user(s.ada, UserUpdate(user_id="mia", max_budget=5)), [CHANGED_USER]),
    "block a user": (lambda s: user_changes.block_user(s.ada, s.mia.id), [CHANGED_USER]),
    "unblock a user": (lambda s: user_changes.unblock_user(s.ada, s.mia.id), [CHANGED_USER]),
    "delete a user": (lambda s: user_deletes.delete_user(s.ada, s.mia.id), [DELETED_KEY, ("user.deleted", "user")]),
    "make a new link": (lambda s: invitations.create_invitation(s.ada, "ina"), [ENDED_LINK, MADE_LINK]),
    "revoke a link": (lambda s: invitations.revoke_invitation(s.ada, s.ina.id), [ENDED_LINK]),
    "end a link": (
        lambda s: invitations.end_invitation(s.ada, s.link.secret, is_accepted=True), [ENDED_LINK]),
    "delete a link": (
        lambda s: invitations.delete_invitation(s.ada, s.link.secret), [("invitation.deleted", "invitation")]),
    "use a link": (claim, [("invitation.accepted", "invitation")]),
    "begin a session": (lambda s: auth.begin_session(s.mia, VISITOR), [("login.succeeded", "user")]),
    "change the own password": (
        lambda s: account.change_password(
            s.ada, PasswordChange(current_password=PASSWORD, new_password=NEW_PASSWORD), shortest=12),
        [("password.changed", "user")]),
    "make an admin in the shell": (lambda s: bootstrap.create_admin("n@example.com"), [MADE_USER, MADE_LINK]),
    "make a reset link in the shell": (
        lambda s: bootstrap.reset_password("mia@example.com"), [("reset.created", "user")]),
}  # fmt: skip


@pytest.mark.parametrize(("deed", "record"), DEEDS.values(), ids=DEEDS)
def test_each_deed_is_on_record_once_and_without_a_secret_or_a_hash(scene, deed, record):
    done = deed(scene)
    assert sorted(told()) == sorted(record)
    written = str([vars(event) for event in rows(AuditEvent)])
    secrets = [scene.key.secret, scene.key.row.token, scene.link.secret, scene.link.row.secret_hash]
    secrets += [PASSWORD, NEW_PASSWORD, "argon2", getattr(done, "secret", NEW_PASSWORD)]
    assert [secret for secret in secrets if secret in written] == []
    assert not SECRET.search(written)


@pytest.mark.parametrize("deed", [deed for deed, _ in DEEDS.values()], ids=DEEDS)
def test_a_deed_that_cannot_be_stored_leaves_no_record_and_a_record_that_cannot_be_stored_no_deed(scene, deed):
    """One transaction holds both: when its last step breaks, neither is there."""
    before = state()

    def break_it(session):
        if any(isinstance(new, AuditEvent) for new in session.new) or session.info.get("told"):
            raise OSError("the disk is full")

    def note(session, *_):
        session.info["told"] = session.info.get("told") or any(isinstance(new, AuditEvent) for new in session.new)

    session = db.session()
    event.listen(session, "after_flush", note)
    event.listen(session, "before_commit", break_it)
    with pytest.raises(OSError, match="the disk is full"):
        deed(scene)
    db.session.remove()
    assert (state(), rows(AuditEvent)) == (before, [])


def state():
    """Write out what the deeds change."""
    return {
        (model.__name__, row.id): {name: value for name, value in vars(row).items() if not name.startswith("_")}
        for model in (User, ApiKey, Invitation)
        for row in rows(model)
    }


REFUSED = {
    "a name that is taken": (lambda s: keys.create_key(s.ada, KeyCreate(user_id="mia", key_alias="laptop")), Conflict),
    "a key that is not there": (lambda s: key_deletes.delete_restorable(s.ada, ["none"]), NotFound),
    "keys that are not there": (lambda s: key_deletes.delete_keys(s.ada, KeyDelete(keys=["none"])), NotFound),
    "an address that is taken": (
        lambda s: users.create_user(s.ada, UserCreate(user_email="MIA@example.com"), with_key=True), Conflict),
    "an address that is taken, among others": (
        lambda s: invitations.invite_people(s.ada, InvitePeople(emails=["a@example.com", "mia@example.com"])),
        Conflict),
    "the last admin": (lambda s: user_deletes.delete_user(s.ada, s.ada.id), Conflict),
    "the last admin's role": (lambda s: user_changes.change_role(s.ada, s.ada.id, Role.INTERNAL_USER), Conflict),
    "one of two who is not there": (lambda s: user_deletes.delete_users(s.ada, ["mia", "none"]), NotFound),
    "a weak password": (lambda s: claim(s, "password1234"), Invalid),
    "a link that was used": (lambda s: onboarding.claim("none", NEW_PASSWORD, None, VISITOR, shortest=12), Gone),
}  # fmt: skip


@pytest.mark.parametrize(("deed", "refusal"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_leaves_no_record(scene, deed, refusal):
    before = state()
    with pytest.raises(refusal):
        deed(scene)
    assert (state(), rows(AuditEvent)) == (before, [])


@pytest.mark.parametrize("deed", [*DEEDS][:17], ids=lambda name: name)
def test_what_vera_may_not_do_leaves_no_record(scene, as_actor, vera, deed):
    before = state()
    scene.ada = as_actor(vera)
    with pytest.raises(Forbidden):
        DEEDS[deed][0](scene)
    assert (state(), rows(AuditEvent)) == (before, [])


def test_a_record_says_who_from_where_to_what_whose_and_what_changed(scene):
    user_changes.change_role(scene.ada, scene.mia.id, Role.PROXY_ADMIN_VIEWER)
    (record,) = rows(AuditEvent)
    assert (record.actor_user_id, record.actor_role, record.actor_key_id) == ("ada", "proxy_admin", None)
    assert (record.source, record.address, record.request_id) == ("web", "10.0.0.1", "a-request")
    assert (record.object_id, record.owner_user_id) == ("mia", "mia")
    assert (record.before["role"], record.after["role"]) == ("internal_user", "proxy_admin_viewer")


def test_who_comes_with_a_key_is_on_record_with_it(scene):
    actor = auth.identify(scene.key.secret, MASTER_KEY, Client(source="api"))
    keys.create_key(actor, KeyCreate(key_alias="new"))
    (record,) = rows(AuditEvent)
    assert (record.actor_user_id, record.actor_key_id, record.source) == ("mia", scene.key.row.id, "api")


def test_a_failed_login_is_on_record_without_the_address_that_was_tried(scene):
    for email in ("mia@example.com", "nobody@example.com"):
        with pytest.raises(Unauthenticated):
            auth.log_in(email, "wrong", VISITOR)
    first, second = sorted(rows(AuditEvent), key=lambda event: event.id)
    assert (first.action, first.object_id, first.actor_user_id, first.address) == (
        "login.failed",
        "mia",
        None,
        "10.0.0.9",
    )
    assert (second.action, second.object_id) == ("login.failed", None)
    assert "nobody@" not in str(vars(second))


CHANGED = {
    "key_alias": "new", "duration": "3d", "tags": ["x"], "blocked": True, "allowed_routes": ["/key/info"], "spend": 3,
    "models": ["a"], "max_budget": 4, "soft_budget": 3, "budget_duration": "7d", "tpm_limit": 5, "rpm_limit": 6,
    "max_parallel_requests": 7, "metadata": {"team": "search"},
}  # fmt: skip


def test_nothing_of_a_key_can_be_changed_without_being_told(curl, ada, mia):
    """S-45: each field that an update takes makes a difference between before and after."""
    assert set(KeyUpdate.model_fields) - set(CHANGED) == {"key", "user_id", "team_id"}
    for field, value in CHANGED.items():
        key = make_key(mia).row
        assert curl(ada).post("/key/update", {"key": key.id, field: value}).status == 200, field
        event = max(rows(AuditEvent), key=lambda event: event.id)
        assert event.object_id == key.id
        assert event.before != event.after, field
