"""Keys by curl, as documented: made, read, listed, changed, blocked and deleted."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from selfserve.clock import now
from selfserve.minting import fingerprint, mint_key
from selfserve.models import ApiKey
from tests.factories import change, make_key, make_user, reload, rows
from tests.integration.api.shapes import GENERATED, HASH, KEY, KEY_ROW, UUID, assert_moments

CUSTOM = "sk-an-old-friend-moved-over-0123456789"


def alive():
    """All keys that were not deleted."""
    return [key for key in rows(ApiKey) if not key.deleted_at]


def columns(row):
    return {name: value for name, value in vars(reload(row)).items() if not name.startswith("_") and name != "owner"}


# -- /key/generate ---------------------------------------------------------------------------------------------


def test_mia_makes_a_key_and_sees_it_once(curl, mia):
    door = curl(mia)
    answer = door.post("/key/generate", {"key_alias": "laptop", "duration": "30d"}, reveals=True)
    assert answer.status == 200
    made = answer.json
    assert set(made) >= GENERATED
    assert_moments(made)
    assert KEY.fullmatch(made["key"])
    assert made["token"] == made["token_id"] == fingerprint(made["key"])
    assert made["key_name"] == f"sk-...{made['key'][-4:]}"
    assert (made["user_id"], made["key_alias"], made["duration"], made["created_by"]) == ("mia", "laptop", "30d", "mia")
    lasts = datetime.fromisoformat(made["expires"]) - datetime.fromisoformat(made["created_at"])
    assert lasts == timedelta(days=30)
    assert curl(made["key"]).get("/key/info").json["info"]["key_alias"] == "laptop"


def test_an_empty_object_makes_a_key_without_limits(curl, mia):
    made = curl(mia).post("/key/generate", {}, reveals=True).json
    assert [made[name] for name in ("key_alias", "expires", "max_budget", "models", "blocked")] == [
        None,
        None,
        None,
        [],
        False,
    ]


@pytest.mark.parametrize("never", [None, "-1"])
def test_null_and_minus_one_mean_never(curl, mia, never):
    assert curl(mia).post("/key/generate", {"duration": never}, reveals=True).json["expires"] is None


def test_the_master_key_makes_a_key_for_anybody(curl, master, mia):
    made = master.post("/key/generate", {"user_id": "mia", "key_alias": "first"}, reveals=True).json
    assert (made["user_id"], made["created_by"]) == ("mia", "default_user_id")
    assert curl(made["key"]).get("/user/info").json["user_id"] == "mia"


def test_an_unknown_owner_is_404(master):
    assert master.post("/key/generate", {"user_id": "nobody"}).status == 404


def test_mia_makes_none_for_otto_and_cannot_tell_him_from_nobody(curl, mia, otto):
    door = curl(mia)
    before = len(alive())
    for_otto, for_nobody = (door.post("/key/generate", {"user_id": name}) for name in ("otto", "nobody"))
    assert for_otto.status == for_nobody.status == 403
    assert for_otto.json == for_nobody.json
    assert len(alive()) == before


@pytest.mark.parametrize("role", ["proxy_admin_viewer", "internal_user_viewer"])
def test_viewers_make_change_block_and_delete_nothing(curl, role):
    someone = make_user("Someone", role=role)
    door, key = curl(someone), make_key(someone)
    before = columns(key.row)
    assert door.post("/key/generate", {}).status == 403
    for path in ("update", "block", "unblock", "delete"):
        for named in (key.secret, key.row.id, key.row.token, "sk-nobody"):
            assert door.post(f"/key/{path}", {"key": named, "keys": [named], "key_alias": "x"}).status == 403
    assert columns(key.row) == before


def test_an_alias_is_taken_only_among_ones_own(curl, mia, otto):
    door = curl(mia)
    assert door.post("/key/generate", {"key_alias": "laptop"}, reveals=True).status == 200
    again = door.post("/key/generate", {"key_alias": "laptop"})
    assert again.status == 409
    assert again.error["message"].startswith("Key with alias 'laptop' already exists")
    assert curl(otto).post("/key/generate", {"key_alias": "laptop"}, reveals=True).status == 200


def test_the_alias_of_a_deleted_key_is_free_again(curl, mia):
    door = curl(mia)
    door.post("/key/generate", {"key_alias": "laptop"}, reveals=True)
    door.post("/key/delete", {"key_aliases": ["laptop"]})
    assert door.post("/key/generate", {"key_alias": "laptop"}, reveals=True).status == 200


def test_of_fifty_at_once_with_one_alias_one_is_made(app, curl, mia):
    secret = make_key(mia).secret

    def make(_number):
        return curl(secret).post("/key/generate", {"key_alias": "laptop"}, reveals=True).status

    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(make, range(50)))
    assert (statuses.count(200), statuses.count(409)) == (1, 49)


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({"duration": "soon"}, "duration", "30s, 30m, 30h, 30d, 1w or 1mo"),
        ({"duration": "0d"}, "duration", "duration"),
        ({"duration": "999999999d"}, "duration", "100 years"),
        ({"max_budget": -1}, "max_budget", "amount"),
        ({"max_budget": True}, "max_budget", "amount"),
        ({"key_alias": "x" * 256}, "key_alias", "255"),
        ({"key_alias": "a\u0000b"}, "key_alias", "control"),
        ({"key_alias": ["a"]}, "key_alias", ""),
        ({"models": "gpt-x"}, "models", ""),
        ({"tpm_limit": 2**63}, "tpm_limit", ""),
        ({"key_type": "bogus"}, "key_type", ""),
        ({"team_id": "t"}, "team_id", "teams"),
        ({"metadata": []}, "metadata", ""),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_made(curl, mia, body, param, words):
    door = curl(mia)
    before = len(alive())
    answer = door.post("/key/generate", body)
    assert (answer.status, answer.error["param"]) == (422, param)
    assert words in answer.error["message"]
    assert len(alive()) == before


# -- keys that people bring ------------------------------------------------------------------------------------


def test_an_admin_may_bring_a_key_and_it_works(curl, master, mia):
    answer = master.post("/key/generate", {"key": CUSTOM, "user_id": "mia"})
    assert (answer.status, answer.json["key"]) == (200, CUSTOM)
    assert curl(CUSTOM).get("/key/info").json["info"]["user_id"] == "mia"


@pytest.mark.parametrize(
    "weak", ["sk-1234", "no-prefix-but-long-enough-0123456789", "sk-" + "a" * 40, "sk-ss_" + "A1b2C3d4E5" * 4]
)
def test_a_weak_or_forged_key_is_refused_without_being_repeated(master, weak):
    answer = master.post("/key/generate", {"key": weak})
    assert (answer.status, answer.error["param"]) == (422, "key")
    assert weak not in answer.text


def test_a_key_can_be_brought_once(master):
    assert master.post("/key/generate", {"key": CUSTOM}).status == 200
    answer = master.post("/key/generate", {"key": CUSTOM})
    assert answer.status == 409
    assert CUSTOM not in answer.text


@pytest.mark.parametrize(
    "more",
    [
        {"key": CUSTOM},
        {"spend": 1},
        {"allowed_routes": ["/*"]},
        {"permissions": {"x": True}},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_only_admins_may_set_is_refused_by_name(curl, mia, more):
    door = curl(mia)
    before = len(alive())
    answer = door.post("/key/generate", more)
    assert (answer.status, answer.error["param"]) == (403, next(iter(more)))
    assert len(alive()) == before


def test_their_defaults_are_not_refused(curl, mia):
    body = {"key": None, "spend": 0, "allowed_routes": [], "permissions": {}, "config": {}, "aliases": {}}
    assert curl(mia).post("/key/generate", body, reveals=True).status == 200


# -- never more than its maker ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "more"),
    [
        ({"models": ["a", "b"]}, {"models": ["a", "c"]}),
        ({"max_budget": 5_000_000_000}, {"max_budget": 6}),
        ({"tpm_limit": 10}, {"tpm_limit": 11}),
        ({"rpm_limit": 10}, {"rpm_limit": 11}),
        ({"max_parallel_requests": 1}, {"max_parallel_requests": 2}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_a_key_never_exceeds_the_key_that_made_it_nor_its_owner(curl, mia, limits, more):
    parent = make_key(mia, "parent", **limits)
    assert curl(parent.secret).post("/key/generate", more).status in (403, 422)
    free = make_key(mia, "free")
    change(mia, **limits)
    assert curl(free.secret).post("/key/generate", more).status in (403, 422)


def test_a_key_never_outlives_the_key_that_made_it(curl, mia):
    parent = make_key(mia, "parent", expires_at=now() + timedelta(days=7))
    door = curl(parent.secret)
    assert door.post("/key/generate", {"duration": "30d"}).status in (403, 422)
    made = door.post("/key/generate", {"duration": "6d"}, reveals=True)
    assert made.status == 200
    unsaid = door.post("/key/generate", {}, reveals=True)
    assert datetime.fromisoformat(unsaid.json["expires"]) == parent.row.expires_at


# -- who is asking ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["bearer", "bare", "x-litellm-api-key", "both"])
def test_a_key_can_be_sent_in_each_documented_way(curl, mia, header):
    secret = make_key(mia, "laptop").secret
    headers = {
        "bearer": {"Authorization": f"Bearer {secret}"},
        "bare": {"Authorization": secret},
        "x-litellm-api-key": {"x-litellm-api-key": secret},
        "both": {"Authorization": "Bearer sk-wrong", "x-litellm-api-key": f"Bearer {secret}"},
    }[header]
    assert curl().get("/key/info", headers=headers).json["info"]["key_alias"] == "laptop"


STRANGERS = {
    "nobody": (None, "auth_error"),
    "empty": ("", "auth_error"),
    "garbage": ("garbage", "auth_error"),
    "unknown": ("sk-unknown-but-long-enough-0123456789", "token_not_found_in_db"),
    "well formed": (mint_key(), "token_not_found_in_db"),
    "wrong checksum": ("sk-ss_" + "A" * 39, "token_not_found_in_db"),
    "half encoded": ("sk-%00%ff", "token_not_found_in_db"),
    "not ascii": ("sk-\u00e4\u00f6\u00fc", "token_not_found_in_db"),
    "very long": ("sk-" + "x" * 8000, None),
}


@pytest.mark.parametrize(("token", "kind"), STRANGERS.values(), ids=STRANGERS)
def test_nobody_we_know_is_401(curl, token, kind):
    headers = (
        {} if token is None else {"Authorization": f"Bearer {token}".replace("\x00", "%00").replace("\x01", "%01")}
    )
    answer = curl().get("/key/info", headers=headers)
    assert answer.status in (401, 400 if kind is None else 401)
    assert kind in (None, answer.error["type"])
    assert not token or token not in answer.text


@pytest.mark.parametrize(
    ("state", "status", "kind"),
    [
        ({"is_blocked": True}, 401, "auth_error"),
        ({"expires_at": now() - timedelta(seconds=1)}, 401, "expired_key"),
        ({"deleted_at": now()}, 401, "token_not_found_in_db"),
    ],
    ids=["blocked", "expired", "deleted"],
)
def test_a_key_that_ended_opens_nothing(curl, mia, state, status, kind):
    key = make_key(mia, **state)
    answer = curl(key.secret).get("/key/info")
    assert (answer.status, answer.error["type"]) == (status, kind)
    assert key.row.token not in answer.text


def test_the_hash_opens_nothing(curl, mia):
    assert curl(make_key(mia).row.token).get("/key/info").status == 401


def test_the_session_cookie_opens_nothing_here(browser, mia):
    page = browser(mia)
    answer = page.transport.send("GET", "/key/list", {}, None)
    assert answer.status == 401


def test_a_key_opens_no_page(app, curl, mia):
    door = curl(mia)
    answer = door.transport.send("GET", "/ui/keys", {"Authorization": f"Bearer {door.token}"}, None)
    assert (answer.status, "/ui/login" in answer.location) == (303, True)


# -- /key/info -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["secret", "hash", "id"])
def test_a_key_is_found_by_secret_hash_and_id_and_never_repeated(curl, ada, mia, name):
    key = make_key(mia, "laptop")
    named = {"secret": key.secret, "hash": key.row.token, "id": key.row.id}[name]
    answer = curl(ada).get("/key/info", key=named)
    assert answer.json["key"] == key.row.token
    assert set(answer.json["info"]) >= KEY_ROW - {"token"}
    assert_moments(answer.json["info"])


def test_without_a_name_it_is_the_callers_own_key(curl, mia):
    key = make_key(mia, "laptop")
    assert curl(key.secret).get("/key/info").json["info"]["key_alias"] == "laptop"


def test_the_master_key_must_name_one(master):
    assert master.get("/key/info").status in (404, 422)


@pytest.mark.parametrize("name", ["secret", "hash", "id"])
def test_otto_cannot_tell_mias_key_from_none(curl, mia, otto, name):
    key, door = make_key(mia), curl(otto)
    named = {"secret": key.secret, "hash": key.row.token, "id": key.row.id}[name]
    hers, nobodys = door.get("/key/info", key=named), door.get("/key/info", key="sk-none")
    assert hers.status == nobodys.status == 404
    assert hers.json == nobodys.json
    for path in ("update", "block", "unblock"):
        assert door.post(f"/key/{path}", {"key": named, "key_alias": "mine"}).status == 404
    assert door.post("/key/delete", {"keys": [named]}).status == 404
    stored = reload(key.row)
    assert (stored.deleted_at, stored.is_blocked, stored.alias) == (None, False, key.row.alias)


# -- /key/list -------------------------------------------------------------------------------------------------


def test_the_list_holds_hashes_or_whole_rows(curl, mia):
    make_key(mia, "laptop")
    door = curl(mia)
    plain = door.get("/key/list").json
    assert set(plain) == {"keys", "total_count", "current_page", "total_pages"}
    assert all(HASH.fullmatch(key) for key in plain["keys"])
    full = door.get("/key/list", return_full_object="true").json
    assert all(set(key) >= KEY_ROW for key in full["keys"])
    assert [key["token"] for key in full["keys"]] == plain["keys"]


def test_everybody_lists_their_own_and_admins_list_all(curl, ada, vera, mia, otto, ivo):
    for person in (mia, otto, ivo):
        make_key(person)
    for person in (mia, otto, ivo):
        listed = curl(person).get("/key/list", return_full_object="true").json
        assert {key["user_id"] for key in listed["keys"]} == {person.user_id}
        assert listed["total_count"] == 2  # the second is the one at the door
    for person in (ada, vera):
        listed = curl(person).get("/key/list", return_full_object="true", size=100).json
        assert {"mia", "otto", "ivo"} <= {key["user_id"] for key in listed["keys"]}
        assert listed["total_count"] == len(alive())


def test_pages_are_stable_and_counted(curl, mia):
    door = curl(mia)
    for number in range(4):
        make_key(mia, f"key {number}")
    found = [door.get("/key/list", page=page, size=2).json for page in (1, 2, 3, 4)]
    assert [(len(page["keys"]), page["current_page"]) for page in found] == [(2, 1), (2, 2), (1, 3), (0, 4)]
    assert all((page["total_count"], page["total_pages"]) == (5, 3) for page in found)
    assert len({key for page in found for key in page["keys"]}) == 5


@pytest.mark.parametrize("named", ["otto", "nobody"])
def test_a_filter_that_names_somebody_else_is_403_whoever_it_is(curl, mia, otto, named):
    assert curl(mia).get("/key/list", user_id=named).status == 403


def test_a_filter_that_matches_only_others_keys_is_an_empty_list(curl, mia, otto):
    theirs, door = make_key(otto, "theirs"), curl(mia)
    for query in ({"key_hash": theirs.row.token}, {"key_alias": "theirs"}, {"search": "theirs"}):
        answer = door.get("/key/list", **query).json
        assert (answer["keys"], answer["total_count"]) == ([], 0)


@pytest.mark.parametrize(
    "query", [{"user_id": "mia"}, {"key_alias": "laptop"}, {"search": "lap"}, {"status": "active"}]
)
def test_an_admin_filters(master, mia, otto, query):
    key = make_key(mia, "laptop")
    make_key(otto, "phone", is_blocked=True)
    answer = master.get("/key/list", **query).json
    assert (answer["keys"], answer["total_count"]) == ([key.row.token], 1)


@pytest.mark.parametrize(
    "query",
    ["user_id=", "user_id=mia&user_id=otto", "key_alias=", "search=%25", "search=_", "user_id[]=otto", "key_hash="],
)
def test_blank_and_doubled_filters_never_widen(curl, mia, otto, query):
    make_key(otto, "theirs")
    answer = curl(mia).get(f"/key/list?return_full_object=true&{query}")
    assert answer.status in (200, 400, 403, 422)
    if answer.status == 200:
        assert {key["user_id"] for key in answer.json["keys"]} <= {"mia"}


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"page": 0}, "page"),
        ({"page": "x"}, "page"),
        ({"sort_by": "password"}, "sort_by"),
        ({"sort_order": "up"}, "sort_order"),
        ({"status": "zzz"}, "status"),
    ],
)
def test_a_wrong_filter_is_named(master, query, param):
    answer = master.get("/key/list", **query)
    assert (answer.status, answer.error["param"]) == (422, param)


def test_a_deleted_key_is_not_listed(curl, mia):
    key, door = make_key(mia, "laptop"), curl(mia)
    door.post("/key/delete", {"keys": [key.secret]})
    assert key.row.token not in door.get("/key/list").json["keys"]


# -- /key/update -----------------------------------------------------------------------------------------------


def test_only_what_is_named_is_changed_and_null_clears(curl, mia):
    key, door = make_key(mia, "laptop", rpm_limit=5, details={"a": 1}), curl(mia)
    answer = door.post("/key/update", {"key": key.secret, "key_alias": "desktop", "rpm_limit": None})
    assert answer.status == 200
    assert answer.json["key"] == answer.json["token"] == key.row.token
    assert (answer.json["key_alias"], answer.json["rpm_limit"], answer.json["metadata"]) == ("desktop", None, {"a": 1})
    assert_moments(answer.json)


def test_a_renamed_key_may_not_take_a_name_of_ones_own(curl, mia):
    make_key(mia, "laptop")
    other, door = make_key(mia, "phone"), curl(mia)
    assert door.post("/key/update", {"key": other.row.id, "key_alias": "laptop"}).status == 409


def test_a_new_duration_counts_from_now_and_minus_one_is_never(curl, mia):
    key, door = make_key(mia, expires_at=now() + timedelta(days=1)), curl(mia)
    expires = door.post("/key/update", {"key": key.row.id, "duration": "7d"}).json["expires"]
    assert timedelta(days=6) < datetime.fromisoformat(expires) - now() <= timedelta(days=7)
    assert door.post("/key/update", {"key": key.row.id, "duration": "-1"}).json["expires"] is None


@pytest.mark.parametrize(
    "more", [{"spend": 0.5}, {"allowed_routes": ["/*"]}, {"user_id": "otto"}], ids=lambda more: next(iter(more))
)
def test_mia_does_not_set_what_only_admins_may(curl, mia, otto, more):
    key = make_key(mia, total_spend=9, window_spend=9)
    before = columns(key.row)
    answer = curl(mia).post("/key/update", {"key": key.row.id, **more})
    assert (answer.status, answer.error["param"]) == (403, next(iter(more)))
    assert columns(key.row) == before


def test_what_an_admin_limited_its_owner_may_tighten_but_not_lift(curl, master, mia):
    made = master.post(
        "/key/generate", {"user_id": "mia", "key_alias": "k", "max_budget": 5, "rpm_limit": 10}, reveals=True
    ).json
    door = curl(mia)
    for more in ({"max_budget": 6}, {"max_budget": None}, {"rpm_limit": None}, {"rpm_limit": 11}):
        assert door.post("/key/update", {"key": made["token"], **more}).status in (403, 422), more
    assert door.post("/key/update", {"key": made["token"], "max_budget": 4, "rpm_limit": 9}).json["max_budget"] == 4.0
    assert master.post("/key/update", {"key": made["token"], "max_budget": 50}).json["max_budget"] == 50.0


def test_a_key_must_be_named(master):
    assert master.post("/key/update", {"max_budget": 1}).error["param"] == "key"
    assert master.post("/key/update", {"key": "sk-nobody", "max_budget": 1}).status == 404


# -- /key/block, /key/unblock ----------------------------------------------------------------------------------


def test_mia_blocks_and_unblocks_her_own_key(curl, mia):
    key, door = make_key(mia), curl(mia)
    answer = door.post("/key/block", {"key": key.secret})
    assert (answer.status, answer.json["blocked"], answer.json["token"]) == (200, True, key.row.token)
    assert curl(key.secret).get("/key/info").status == 401
    assert door.post("/key/unblock", {"key": key.row.token}).json["blocked"] is False
    assert curl(key.secret).get("/key/info").status == 200


def test_what_an_admin_blocked_its_owner_does_not_unblock(curl, master, mia):
    key, door = make_key(mia), curl(mia)
    master.post("/key/block", {"key": key.row.id})
    for deed, body in (("unblock", {}), ("update", {"blocked": False})):
        assert door.post(f"/key/{deed}", {"key": key.row.id, **body}).status == 403
    assert curl(key.secret).get("/key/info").status == 401
    assert master.post("/key/unblock", {"key": key.row.id}).json["blocked"] is False


def test_an_unknown_key_is_404(master):
    assert master.post("/key/block", {"key": "sk-nobody"}).status == 404


# -- /key/delete -----------------------------------------------------------------------------------------------


def test_keys_are_deleted_by_any_name_and_no_secret_is_repeated(curl, mia):
    first, second, third = make_key(mia), make_key(mia), make_key(mia, "third")
    door = curl(mia)
    body = {"keys": [first.secret, second.row.token, "sk-nobody"], "key_aliases": ["third"]}
    answer = door.post("/key/delete", body)
    assert answer.status == 200
    assert set(answer.json) == {"deleted_keys", "not_found"}
    assert len(answer.json["deleted_keys"]) == 3
    assert answer.json["not_found"] == [fingerprint("sk-nobody")]
    assert "sk-nobody" not in answer.text
    for key in (first, second, third):
        assert curl(key.secret).get("/key/info").status == 401


def test_the_clients_explicit_nulls_are_fine(curl, mia):
    key = make_key(mia, "laptop")
    assert curl(mia).post("/key/delete", {"keys": None, "key_aliases": ["laptop"]}).status == 200
    assert reload(key.row).deleted_at is not None


def test_anothers_key_counts_as_not_found(curl, mia, otto):
    mine, theirs = make_key(mia), make_key(otto)
    answer = curl(mia).post("/key/delete", {"keys": [mine.row.token, theirs.row.token]})
    assert answer.json == {"deleted_keys": [mine.row.token], "not_found": [theirs.row.token]}
    assert reload(theirs.row).deleted_at is None


def test_none_found_is_404(master):
    assert master.post("/key/delete", {"keys": ["sk-nobody"]}).status == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"keys": []},
        {"keys": None, "key_aliases": None},
        {"keys": "sk-x"},
        {"keys": [1]},
        {"keys": [None]},
        {"key_aliases": [""]},
    ],
)
def test_something_must_be_named(curl, mia, body):
    door = curl(mia)
    before = len(alive())
    assert door.post("/key/delete", body).status == 422
    assert len(alive()) == before


def test_an_admin_deletes_anybodys(curl, ada, mia):
    key = make_key(mia)
    assert curl(ada).post("/key/delete", {"keys": [key.row.id]}).status == 200
    assert curl(key.secret).get("/key/info").status == 401


def test_ids_are_uuids(curl, mia):
    made = curl(mia).post("/key/generate", {}, reveals=True).json
    assert UUID.fullmatch(made["id"])
