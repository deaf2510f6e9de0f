"""Deeds over several rows, done at once in every order: each row falls once and nobody waits in a ring."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from selfserve.errors import Conflict, DomainError, NotFound
from selfserve.models import ApiKey, AuditEvent, Invitation, Tally, User
from selfserve.schemas.keys import KeyDelete
from selfserve.schemas.users import InvitePeople, UserCreate
from selfserve.services import invitations, key_changes, key_deletes, user_deletes, users
from tests.factories import make_company, make_key, make_user, rows

AT_ONCE = 8


def all_at_once(app, deeds):
    """Do each deed in a thread of its own; give what each came to. Only what a person can be told is caught."""
    gate = Barrier(len(deeds))

    def run(deed):
        with app.app_context():
            gate.wait(30)
            try:
                return deed()
            except DomainError as refusal:
                return refusal

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(run, deeds))


def tally(noun):
    return next(row.amount for row in rows(Tally) if row.noun == noun)


def told(action):
    return [event.action for event in rows(AuditEvent)].count(action)


def shuffled(names):
    """The same names in as many orders as there are threads."""
    return [random.Random(seed).sample(names, len(names)) for seed in range(AT_ONCE)]


def test_the_same_keys_deleted_in_every_order_fall_once(app, as_actor, ada, mia):
    names = [make_key(mia).row.id for _ in range(12)]

    def delete(order):
        return lambda: key_deletes.delete_keys(as_actor(ada), KeyDelete(keys=order))

    results = all_at_once(app, [delete(order) for order in shuffled(names)])
    assert sum(len(result.deleted) for result in results if not isinstance(result, DomainError)) == 12
    assert (tally("keys"), told("key.deleted")) == (0, 12)


def test_the_same_people_deleted_in_every_order_fall_once_with_their_keys(app, as_actor, ada):
    people = [make_user(f"p{number}") for number in range(8)]
    for person in people:
        make_key(person)
    names = [person.user_id for person in people]

    def delete(order):
        return lambda: user_deletes.delete_users(as_actor(ada), order)

    results = all_at_once(app, [delete(order) for order in shuffled(names)])
    assert [isinstance(result, DomainError) for result in results].count(False) == 1
    assert (tally("users"), tally("keys")) == (1, 0)
    assert (told("user.deleted"), told("key.deleted")) == (8, 8)


def test_people_and_keys_deleted_at_once_fall_once(app, as_actor, ada):
    people = [make_user(f"p{number}") for number in range(4)]
    made = [make_key(person).row for person in people for _ in range(2)]
    deeds = [lambda key=key: key_deletes.delete_restorable(as_actor(ada), [key.id]) for key in made]
    names = [person.user_id for person in people]
    deeds += [lambda order=order: user_deletes.delete_users(as_actor(ada), order) for order in (names, names[::-1])]
    deeds += [lambda key=key: key_changes.block_key(as_actor(ada), key.id) for key in made[::2]]
    all_at_once(app, deeds)
    assert (tally("users"), tally("keys"), told("key.deleted")) == (1, 0, 8)
    assert [key for key in rows(ApiKey) if key.deleted_at is None] == []
    assert [user.user_id for user in rows(User) if not user.deleted_at and not user.is_reserved] == ["ada"]


def test_the_same_people_invited_in_every_order_are_made_once(app, as_actor, ada):
    emails = [f"p{number}@example.com" for number in range(8)]

    def invite(order):
        return lambda: invitations.invite_people(as_actor(ada), InvitePeople(emails=order))

    results = all_at_once(app, [invite(order) for order in shuffled(emails)])
    assert [isinstance(result, Conflict) for result in results].count(False) == 1
    assert (tally("users"), told("user.created"), len(rows(Invitation))) == (9, 8, 8)


def test_somebody_made_alone_while_they_are_invited_among_others_is_made_once(app, as_actor, ada):
    emails = [f"p{number}@example.com" for number in range(4)]
    deeds = [
        lambda email=email: users.create_user(as_actor(ada), UserCreate(user_email=email), with_key=True)
        for email in emails
    ]
    deeds += [
        lambda order=order: invitations.invite_people(as_actor(ada), InvitePeople(emails=order))
        for order in (emails, emails[::-1])
    ]
    results = all_at_once(app, deeds)
    assert all(isinstance(result, Conflict) or not isinstance(result, Exception) for result in results)
    living = [user.email for user in rows(User) if user.email and user.email != ada.email]
    assert sorted(living) == emails
    assert tally("users") == 5


@pytest.mark.parametrize("wanted", ["ids", "tokens", "secrets", "aliases"])
def test_as_many_keys_as_one_call_may_name_are_found_among_as_many_that_are_not_there(as_actor, ada, mia, wanted):
    made = [make_key(mia, f"number {number}") for number in range(3)]
    real = {
        "ids": [key.row.id for key in made],
        "tokens": [key.row.token for key in made],
        "secrets": [key.secret for key in made],
        "aliases": [key.row.alias for key in made],
    }[wanted]
    names = [f"none {number}" for number in range(497)] + (real if wanted != "aliases" else [])
    aliases = [f"no alias {number}" for number in range(497)] + (real if wanted == "aliases" else [])
    done = key_deletes.delete_keys(as_actor(ada), KeyDelete(keys=names, key_aliases=aliases))
    assert (len(done.deleted), len(done.not_found)) == (3, 994)
    assert tally("keys") == 0


def test_as_many_people_as_one_call_may_name_are_all_there_or_nobody_falls(as_actor, ada):
    people = make_company(499)
    names = [person.user_id for person in people]
    with pytest.raises(NotFound):
        user_deletes.delete_users(as_actor(ada), [*names, "nobody"])
    assert tally("users") == 500
    assert len(user_deletes.delete_users(as_actor(ada), names)) == 499
    assert (tally("users"), tally("keys")) == (1, 0)
