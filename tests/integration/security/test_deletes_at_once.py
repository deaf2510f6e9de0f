"""Deletions that overlap wait for each other and are all answered: locks are taken in one order (S-37, S-47)."""

from concurrent.futures import ThreadPoolExecutor

from tests.factories import make_key, make_user


def at_once(*deeds):
    """Do deeds at the same time and give their statuses."""
    with ThreadPoolExecutor(len(deeds)) as pool:
        return [answer.status for answer in pool.map(lambda deed: deed(), deeds)]


def test_lists_of_keys_deleted_in_opposite_orders_do_not_block_each_other(app, curl, ada, mia):
    door = curl(ada)
    for _ in range(5):
        ids = [make_key(mia).row.id for _ in range(12)]
        singles = [lambda key_id=key_id: door.post("/key/delete", {"keys": [key_id]}) for key_id in ids[::3]]
        statuses = at_once(
            lambda ids=ids: door.post("/key/delete", {"keys": ids}),
            lambda ids=ids: door.post("/key/delete", {"keys": ids[::-1]}),
            *singles,
        )
        assert set(statuses) <= {200, 404}
        assert 200 in statuses
    assert curl(mia).get("/key/list").json["total_count"] == 1  # the key that asks


def test_people_deleted_while_their_keys_are_do_not_block_each_other(app, curl, ada):
    door = curl(ada)
    for number in range(5):
        people = [make_user(f"Guest {number}-{guest}") for guest in range(4)]
        keys = [make_key(person).row.id for person in people for _ in range(3)]
        names = [person.user_id for person in people]
        singles = [lambda key_id=key_id: door.post("/key/delete", {"keys": [key_id]}) for key_id in keys[::2]]
        statuses = at_once(lambda names=names: door.post("/user/delete", {"user_ids": names}), *singles)
        assert statuses[0] == 200
        assert set(statuses) <= {200, 404}
    assert door.get("/user/list").json["total"] == 1


def test_a_key_named_twice_is_deleted_once(curl, master, mia):
    key = make_key(mia, alias="twice")
    body = {"keys": [key.row.id, key.row.token], "key_aliases": ["twice"]}
    answer = master.post("/key/delete", body)
    assert answer.json == {"deleted_keys": [key.row.id, key.row.token, "twice"], "not_found": []}
    assert master.get("/key/list").json["total_count"] == 0
