"""The first admin, made once, and the way back in for one who is locked out."""

import pytest
from pydantic import ValidationError

from selfserve.database import end_read
from selfserve.errors import Conflict, Gone, NotFound, Unavailable
from selfserve.models import AuditEvent, Invitation, User
from selfserve.permissions import Client, Role
from selfserve.services import auth, bootstrap, onboarding, resets
from tests.factories import PASSWORD, change, make_invitation, make_user, reload, rows

VISITOR = Client(source="web", address="10.0.0.9")
NEW_PASSWORD = "seven quiet foxes at noon"


def people():
    return [user for user in rows(User) if not user.is_reserved]


def claim(secret, email=None):
    opened = onboarding.open_link(secret, VISITOR)
    return onboarding.claim(opened.id, NEW_PASSWORD, email, VISITOR, shortest=12)


def test_the_first_start_makes_one_admin_and_the_second_none():
    secret = bootstrap.invite_first_admin("Boss@Example.com")
    (boss,) = people()
    assert (boss.role, boss.email, boss.has_password) == (Role.PROXY_ADMIN, "Boss@example.com", False)
    assert bootstrap.invite_first_admin("boss@example.com") is None
    assert bootstrap.invite_first_admin("other@example.com") is None
    assert (len(people()), len(rows(Invitation))) == (1, 1)
    assert claim(secret).id == boss.id
    assert auth.log_in("boss@example.com", NEW_PASSWORD, VISITOR).user.id == boss.id


def test_without_an_address_the_link_asks_for_one():
    secret = bootstrap.invite_first_admin(None)
    assert onboarding.open_link(secret, VISITOR).user.email is None
    claim(secret, "boss@example.com")
    assert auth.log_in("boss@example.com", NEW_PASSWORD, VISITOR).user.role == Role.PROXY_ADMIN


def test_where_anybody_ever_was_there_is_no_first_admin():
    change(make_user("Mia"), deleted_at=make_user("Otto").created_at)
    assert bootstrap.invite_first_admin(None) is None


def test_whether_there_is_an_admin_counts_only_those_who_can_sign_in(ina):
    bootstrap.create_admin("boss@example.com")
    make_user("Mia")
    assert not bootstrap.has_admin()
    end_read()
    make_user("Ada", role="proxy_admin")
    assert bootstrap.has_admin()


def test_another_admin_can_always_be_made(ada):
    claim(bootstrap.create_admin("boss@example.com"))
    assert auth.log_in("boss@example.com", NEW_PASSWORD, VISITOR).user.role == Role.PROXY_ADMIN
    assert bootstrap.create_admin(None)


def test_an_address_that_exists_makes_no_second_admin(ada):
    with pytest.raises(Conflict):
        bootstrap.create_admin("ADA@example.com")
    assert (len(people()), rows(AuditEvent)) == (1, [])


def test_nonsense_is_no_address():
    with pytest.raises(ValidationError):
        bootstrap.create_admin("not an address")
    assert people() == []


def test_a_reset_link_gives_the_same_person_a_new_password(ada):
    older = make_invitation(ada)
    secret = bootstrap.reset_password("Ada@Example.com")
    auth.log_in(ada.email, PASSWORD, VISITOR)
    link = resets.open_reset_link(secret, VISITOR)
    resets.claim(link.id, NEW_PASSWORD, VISITOR, shortest=12)
    assert reload(older.row).ended_at
    assert auth.log_in(ada.email, NEW_PASSWORD, VISITOR).user.id == ada.id
    with pytest.raises(Gone):
        resets.open_reset_link(secret, VISITOR)


@pytest.mark.parametrize("email", ["nobody@example.com", "", "default_user_id"])
def test_nobody_has_no_reset_link(ada, email):
    with pytest.raises(NotFound):
        bootstrap.reset_password(email)


def test_rex_is_unblocked_before_he_gets_a_link(rex):
    with pytest.raises(Conflict):
        bootstrap.reset_password(rex.email)


def test_before_the_migrations_ran_it_says_what_to_run():
    (reserved,) = rows(User)
    change(reserved, user_id="somebody else")
    with pytest.raises(Unavailable, match=r"selfserve\.setup"):
        bootstrap.create_admin("boss@example.com")
