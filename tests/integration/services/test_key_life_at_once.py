"""Rotation, undo, calls and deletes of the same keys at once: one outcome, and nobody waits in a ring."""

from selfserve.clock import now
from selfserve.errors import DomainError
from selfserve.minting import fingerprint
from selfserve.models import ApiKey, AuditEvent, FormerSecret, Tally
from selfserve.permissions import Client
from selfserve.schemas.keys import KeyRegenerate
from selfserve.schemas.spend import CallRecord
from selfserve.services import auth, key_changes, key_deletes, key_restores, key_rotation, spend, user_deletes
from tests.application import MASTER_KEY
from tests.factories import change, make_key, make_rotating_key, make_user, reload, rows
from tests.integration.services.test_at_once import all_at_once


def keys_counted():
    return next(tally.amount for tally in rows(Tally) if tally.noun == "keys")


def living():
    return [key for key in rows(ApiKey) if key.deleted_at is None]


def test_of_fifteen_rotations_with_a_grace_one_wins_and_leaves_two_secrets(app, as_actor, mia, curl):
    key = make_key(mia)
    asked = KeyRegenerate(key=key.row.id, grace_period="1h")
    results = all_at_once(app, [lambda: key_rotation.rotate_key(as_actor(mia), asked)] * 15)
    won = [made for made in results if not isinstance(made, DomainError)]
    assert len(won) == 1
    assert reload(key.row).token == fingerprint(won[0].secret)
    assert len(rows(FormerSecret)) == 1
    assert [curl(secret).get("/key/info").status for secret in (key.secret, won[0].secret)] == [200, 200]


def test_of_many_rotations_without_a_grace_the_last_secret_alone_works(app, as_actor, mia, curl):
    key = make_key(mia)
    asked = KeyRegenerate(key=key.row.id)
    results = all_at_once(app, [lambda: key_rotation.rotate_key(as_actor(mia), asked)] * 10)
    working = [made.secret for made in results if curl(made.secret).get("/key/info").status == 200]
    assert len(working) == 1
    assert len(rows(FormerSecret)) == 10


def test_a_key_restored_ten_times_at_once_comes_back_once(app, as_actor, mia):
    key = make_key(mia).row
    key_deletes.delete_restorable(as_actor(mia), [key.id])
    results = all_at_once(app, [lambda: key_restores.restore_keys(as_actor(mia), [key.id])] * 10)
    assert [isinstance(result, DomainError) for result in results].count(True) == 0
    assert (keys_counted(), len(living())) == (1, 1)
    assert [event.action for event in rows(AuditEvent)].count("key.restored") == 1


def test_restoring_while_the_owner_is_deleted_leaves_no_key_without_an_owner(app, as_actor, ada):
    """S-37."""
    people = [make_user() for _ in range(6)]
    made = {person.user_id: make_key(person).row for person in people}
    for person in people:
        key_deletes.delete_restorable(as_actor(person), [made[person.user_id].id])
    deeds = [lambda key=key: key_restores.restore_keys(as_actor(ada), [key.id]) for key in made.values()]
    deeds += [lambda name=name: user_deletes.delete_users(as_actor(ada), [name]) for name in made]
    all_at_once(app, deeds)
    assert living() == []
    assert keys_counted() == 0


def test_everything_that_can_happen_to_keys_happens_at_once(app, as_actor, ada, mia):
    """Calls, uses, rotations, blocks, deletes, undos in all orders: no deadlock, sums and counts exact."""
    made = [make_rotating_key(mia) for _ in range(4)]
    ids = [key.row.id for key in made]
    for key in made:
        change(key.row, is_grace_until_use=True)
    actor, client = as_actor(ada), Client(source="api", address="10.0.0.1")

    def record(number):
        calls = [
            CallRecord(request_id=f"{number}-{key_id}", key_id=key_id, model="a", started_at=now(), cost=3)
            for key_id in (ids if number % 2 else ids[::-1])
        ]
        return lambda: spend.record_calls(calls)

    deeds = [record(number) for number in range(4)]
    for key in made:
        deeds += [
            lambda key=key: auth.identify(key.secret, MASTER_KEY, client),
            lambda key=key: auth.identify(key.former, MASTER_KEY, client),
            lambda key=key: key_rotation.rotate_key(actor, KeyRegenerate(key=key.row.id)),
            lambda key=key: key_rotation.end_grace(actor, key.row.id),
        ]
    deeds += [
        lambda: key_changes.block_keys(actor, ids, is_blocked=True),
        lambda: key_changes.block_keys(actor, ids[::-1], is_blocked=False),
        lambda: key_deletes.delete_restorable(actor, ids[:2]),
        lambda: key_deletes.delete_restorable(actor, ids[1::-1]),
        lambda: key_restores.restore_keys(actor, ids[:2]),
    ]
    all_at_once(app, deeds)
    assert sum(key.total_spend for key in rows(ApiKey)) == 4 * 4 * 3
    assert keys_counted() == len(living())
