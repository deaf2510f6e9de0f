"""The counts that are kept are the counts one would get by counting, whatever was done before and whatever failed."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from selfserve.errors import Conflict, DomainError
from selfserve.extensions import db
from selfserve.models import ApiKey, User
from selfserve.permissions import Client
from selfserve.schemas.keys import KeyCreate, KeyDelete, KeyListQuery
from selfserve.schemas.users import InvitePeople, UserCreate, UserListQuery
from selfserve.services import (
    actors,
    bootstrap,
    invitations,
    key_deletes,
    key_lists,
    keys,
    tallies,
    user_changes,
    user_deletes,
    user_lists,
    users,
)
from tests.application import the_database

WHO = st.sampled_from(["ann", "ben", "cat"])
ALIAS = st.sampled_from(["laptop", "ci", None])
DEEDS = st.one_of(
    st.tuples(st.just("make"), WHO, st.booleans()),
    st.tuples(st.just("invite"), st.lists(WHO, min_size=1, max_size=3)),
    st.tuples(st.just("add key"), WHO, ALIAS),
    st.tuples(st.just("delete keys"), st.lists(ALIAS.filter(bool), min_size=1, max_size=2)),
    st.tuples(st.just("delete first key")),
    st.tuples(st.just("block"), WHO),
    st.tuples(st.just("delete"), st.lists(WHO, min_size=1, max_size=2)),
    st.tuples(st.just("first admin")),
    st.tuples(st.just("new admin"), WHO),
)


def do(actor, deed, *arguments):
    """Do one deed as an admin would; some are refused."""
    match deed, arguments:
        case "make", (who, with_key):
            users.create_user(actor, UserCreate(user_id=who, user_email=address(who)), with_key=with_key)
        case "invite", (people,):
            invitations.invite_people(actor, InvitePeople(emails=[address(who) for who in people]))
        case "add key", (who, alias):
            keys.create_key(actor, KeyCreate(user_id=who, key_alias=alias))
        case "delete keys", (aliases,):
            key_deletes.delete_keys(actor, KeyDelete(key_aliases=aliases))
        case "delete first key", ():
            oldest = select(ApiKey.id).where(ApiKey.deleted_at.is_(None)).order_by(ApiKey.created_at)
            key_deletes.delete_restorable(actor, [db.session.scalar(oldest) or "none"])
        case "block", (who,):
            user_changes.block_user(actor, users.get_user_by_user_id(actor, who).id)
        case "delete", (people,):
            user_deletes.delete_users(actor, people)
        case "first admin", ():
            bootstrap.invite_first_admin(None)
        case "new admin", (who,):
            bootstrap.create_admin(address(who))


def address(who):
    return f"{who}@example.com"


def counted(model):
    """Count the rows that are alive."""
    alive = select(func.count()).select_from(model).where(model.deleted_at.is_(None))
    return db.session.scalar(alive.where(User.is_reserved.is_(False)) if model is User else alive)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(deeds=st.lists(DEEDS, min_size=3, max_size=12))
def test_after_any_deeds_the_tallies_are_true(app, deeds):
    the_database().reset()
    for deed in [("make", "ann", True), ("add key", "ann", "ci"), *deeds]:
        with app.app_context(), suppress(DomainError):
            do(actors.master(Client(source="cli")), *deed)
        with app.app_context():
            assert (tallies.read_tally("users"), tallies.read_tally("keys")) == (counted(User), counted(ApiKey)), deed
    with app.app_context():
        admin = actors.master(Client(source="cli"))
        assert user_lists.list_users(admin, UserListQuery()).total == counted(User)
        assert key_lists.list_keys(admin, KeyListQuery()).total == counted(ApiKey)


def test_what_was_taken_back_is_not_counted_with_the_next_deed(as_actor, ada, mia):
    with pytest.raises(Conflict):
        invitations.invite_people(as_actor(ada), InvitePeople(emails=["ann@example.com", "mia@example.com"]))
    users.create_user(as_actor(ada), UserCreate(user_email="ben@example.com"), with_key=False)
    assert tallies.read_tally("users") == counted(User) == 3
