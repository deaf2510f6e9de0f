"""Users by curl, as documented: made, read, listed, changed and deleted."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from selfserve.models import User
from selfserve.permissions import Role
from tests.factories import change, make_invitation, make_key, make_user, reload, rows
from tests.integration.api.shapes import GENERATED, HASH, KEY, KEY_ROW, USER_ROW, UUID, assert_moments


def people():
    """All users but the reserved one."""
    return [user for user in rows(User) if not user.is_reserved and not user.deleted_at]


# -- /user/new -------------------------------------------------------------------------------------------------


def test_the_documented_first_call_works_on_a_fresh_database(master):
    body = {"user_email": "dana@example.com", "user_role": "internal_user"}
    answer = master.post("/user/new", body, reveals=True)
    assert answer.status == 200
    made = answer.json
    assert GENERATED | {"user_email", "user_role", "user_alias", "teams"} <= set(made)
    assert UUID.fullmatch(made["user_id"])
    assert (made["user_email"], made["user_role"]) == ("dana@example.com", "internal_user")
    assert KEY.fullmatch(made["key"])
    assert made["key_name"] == f"sk-...{made['key'][-4:]}"
    assert_moments(made)


def test_the_key_that_comes_with_an_account_works_and_says_where_it_came_from(curl, master):
    made = master.post("/user/new", {"user_email": "dana@example.com"}, reveals=True).json
    info = curl(made["key"]).get("/key/info").json["info"]
    assert info["key_alias"] == "made with the account"
    assert info["user_id"] == made["user_id"]


def test_without_a_role_they_are_an_internal_user(master):
    assert master.post("/user/new", {}, reveals=True).json["user_role"] == "internal_user"


def test_no_key_is_made_when_none_is_wanted(master):
    made = master.post("/user/new", {"user_email": "dana@example.com", "auto_create_key": False}).json
    assert (made["key"], made["token"]) == ("", None)
    assert master.get("/user/info", user_id=made["user_id"]).json["keys"] == []


@pytest.mark.parametrize("role", list(Role))
def test_every_documented_role_can_be_given(master, role):
    made = master.post("/user/new", {"user_role": role, "auto_create_key": False}).json
    assert made["user_role"] == role


def test_the_second_spelling_of_a_role_is_emitted_as_the_documented_one(master):
    made = master.post("/user/new", {"user_role": "internal_user_view_only", "auto_create_key": False}).json
    assert made["user_role"] == "internal_user_viewer"


def test_everything_that_was_asked_for_is_there(master):
    asked = {
        "user_id": "u-1",
        "user_email": "dana@example.com",
        "user_alias": "Dana",
        "max_budget": "12.5",
        "budget_duration": "30d",
        "models": ["gpt-x"],
        "metadata": {"cost centre": 7},
        "tpm_limit": 1000,
        "rpm_limit": "100",
        "max_parallel_requests": 4,
        "auto_create_key": False,
    }
    assert master.post("/user/new", asked).status == 200
    row = master.get("/v2/user/info", user_id="u-1").json
    expected = asked | {"max_budget": 12.5, "rpm_limit": 100}
    assert {name: row[name] for name in expected if name != "auto_create_key"} == {
        name: value for name, value in expected.items() if name != "auto_create_key"
    }
    assert row["budget_reset_at"].endswith("-01T00:00:00.000000Z")


def test_fields_of_other_versions_are_ignored_and_nulls_mean_not_given(master):
    body = {
        "username": "x",
        "organizations": None,
        "max_budget": None,
        "team_id": "",
        "teams": [],
        "auto_create_key": False,
    }
    assert master.post("/user/new", body).status == 200


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({"user_role": "god"}, "user_role", "proxy_admin"),
        ({"user_email": "nonsense"}, "user_email", "e-mail"),
        ({"max_budget": -5}, "max_budget", "amount"),
        ({"max_budget": "ten"}, "max_budget", "amount"),
        ({"budget_duration": "soon"}, "budget_duration", "30d"),
        ({"password": "a calm river before sunrise"}, "password", "invitation"),
        ({"teams": ["t"]}, "teams", "teams"),
        ({"team_id": "t"}, "team_id", "teams"),
        ({"send_invite_email": True}, "send_invite_email", "mail"),
        ({"user_id": "x" * 256}, "user_id", "255"),
        ({"user_id": "a\u0000b"}, "user_id", "control"),
        ({"rpm_limit": 2**70}, "rpm_limit", ""),
        ({"models": "gpt-x"}, "models", ""),
    ],
)
def test_a_wrong_field_is_named_in_plain_words_and_nobody_is_made(master, body, param, words):
    answer = master.post("/user/new", body)
    assert (answer.status, answer.error["type"], answer.error["param"]) == (422, "validation_error", param)
    assert words in answer.error["message"]
    assert people() == []


@pytest.mark.parametrize("email", ["mia@example.com", "MIA@Example.com", " mia@example.com ", "ｍｉａ@example.com"])
def test_an_address_that_is_taken_is_409_however_it_is_written(master, mia, email):
    answer = master.post("/user/new", {"user_email": email})
    assert answer.status == 409
    assert "already exists" in answer.error["message"]


def test_an_id_that_is_taken_is_409_also_after_deletion(master, mia):
    assert master.post("/user/new", {"user_id": "mia"}).status == 409
    master.post("/user/delete", {"user_ids": ["mia"]})
    assert master.post("/user/new", {"user_id": "mia"}).status == 409
    assert master.post("/user/new", {"user_email": "mia@example.com", "auto_create_key": False}).status == 200


def test_of_fifty_at_once_with_one_address_one_is_made(app, curl):
    from tests.application import MASTER_KEY

    def make(_number):
        return curl(MASTER_KEY).post("/user/new", {"user_email": "dana@example.com"}, reveals=True).status

    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(make, range(50)))
    assert (statuses.count(200), statuses.count(409)) == (1, 49)
    assert len(people()) == 1


@pytest.mark.parametrize("role", ["proxy_admin_viewer", "internal_user", "internal_user_viewer"])
def test_only_admins_make_change_and_delete_users(curl, otto, role):
    door = curl(make_user("Someone", role=role))
    before = vars(reload(otto)).copy()
    for path, body in {
        "new": {"user_email": "new@example.com", "user_role": "proxy_admin"},
        "update": {"user_id": "otto", "max_budget": 1},
        "delete": {"user_ids": ["otto"]},
    }.items():
        assert door.post(f"/user/{path}", body).status == 403
        assert door.post(f"/user/{path}", {"user_id": "nobody", "user_ids": ["nobody"]}).status == 403
    after = vars(reload(otto))
    assert all(after[name] == value for name, value in before.items() if not name.startswith("_"))


# -- reading ---------------------------------------------------------------------------------------------------


def test_an_admin_reads_anyone_with_their_keys(curl, ada, mia):
    make_key(mia, "laptop")
    answer = curl(ada).get("/user/info", user_id="mia")
    assert answer.json["user_id"] == "mia"
    assert set(answer.json["user_info"]) >= USER_ROW
    assert_moments(answer.json["user_info"])
    (key,) = answer.json["keys"]
    assert set(key) >= KEY_ROW
    assert_moments(key)
    assert HASH.fullmatch(key["token"])
    assert answer.json["teams"] == []
    assert "password" not in answer.text.replace("must_change_password", "").replace("password_", "")


def test_without_a_name_it_is_the_callers_own_row(curl, mia):
    answer = curl(mia).get("/user/info")
    assert answer.json["user_id"] == answer.json["user_info"]["user_id"] == "mia"


def test_v2_is_the_row_alone(curl, vera, mia):
    assert set(curl(vera).get("/v2/user/info", user_id="mia").json) >= USER_ROW


@pytest.mark.parametrize("path", ["/user/info", "/v2/user/info"])
def test_otto_sees_nothing_of_mia_and_cannot_tell_her_from_nobody(curl, mia, otto, path):
    door = curl(otto)
    hers, nobodys = door.get(path, user_id="mia"), door.get(path, user_id="nobody")
    assert hers.status == nobodys.status == 404
    assert hers.json == nobodys.json


def test_the_unknown_are_404_for_admins_too(master):
    assert master.get("/user/info", user_id="nobody").status == 404


def test_a_plus_in_an_id_survives(master):
    make_user("plus", user_id="a+b@example.com")
    assert master.get("/user/info", user_id="a+b@example.com").json["user_id"] == "a+b@example.com"


def test_the_roles_are_described(curl, ivo):
    answer = curl(ivo).get("/user/available_roles")
    assert set(answer.json) == set(Role)
    assert all(set(words) == {"description", "ui_label"} for words in answer.json.values())


# -- /user/list ------------------------------------------------------------------------------------------------


def test_the_list_is_paged_counted_and_stable(master):
    for number in range(5):
        make_user(f"User{number}")
    pages = [master.get("/user/list", page=page, page_size=2).json for page in (1, 2, 3, 4)]
    assert [len(page["users"]) for page in pages] == [2, 2, 1, 0]
    assert all((page["total"], page["page_size"], page["total_pages"]) == (5, 2, 3) for page in pages)
    ids = [user["user_id"] for page in pages for user in page["users"]]
    assert sorted(ids) == [f"user{number}" for number in range(5)]
    assert set(pages[0]["users"][0]) >= USER_ROW | {"key_count"}


def test_the_list_counts_keys_and_hides_the_reserved_and_the_deleted(master, mia, otto):
    make_key(mia)
    make_key(mia)
    master.post("/user/delete", {"user_ids": ["otto"]})
    answer = master.get("/user/list").json
    assert [(user["user_id"], user["key_count"]) for user in answer["users"]] == [("mia", 2)]
    assert answer["total"] == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"role": "proxy_admin"}, ["ada"]),
        ({"role": "proxy_admin_view_only"}, ["vera"]),
        ({"user_email": "mia@"}, ["mia"]),
        ({"search": "MIA"}, ["mia"]),
        ({"search": "vera"}, ["vera"]),
        ({"user_ids": "mia,ada"}, ["ada", "mia"]),
        ({"search": "%"}, []),
        ({"search": "_"}, []),
        ({"user_email": "nobody@"}, []),
    ],
)
def test_the_list_can_be_filtered(master, ada, vera, mia, query, expected):
    answer = master.get("/user/list", **query).json
    assert sorted(user["user_id"] for user in answer["users"]) == expected
    assert answer["total"] == len(expected)


@pytest.mark.parametrize(
    ("column", "order"), [("user_email", "asc"), ("user_email", "desc"), ("created_at", "asc"), ("spend", "desc")]
)
def test_the_list_can_be_sorted(master, ada, vera, mia, column, order):
    found = [user[column] for user in master.get("/user/list", sort_by=column, sort_order=order).json["users"]]
    assert found == sorted(found, reverse=order == "desc")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"page": 0}, "page"),
        ({"role": "god"}, "role"),
        ({"sort_by": "password"}, "sort_by"),
        ({"sort_order": "up"}, "sort_order"),
    ],
)
def test_a_wrong_filter_is_named(master, query, param):
    answer = master.get("/user/list", **query)
    assert (answer.status, answer.error["param"]) == (422, param)


def test_a_page_holds_a_hundred_at_most(master):
    assert master.get("/user/list", page_size=1000).json["page_size"] == 100


@pytest.mark.parametrize("role", ["internal_user", "internal_user_viewer"])
def test_users_may_not_list_users(curl, role):
    assert curl(make_user("Someone", role=role)).get("/user/list").status == 403


# -- /user/update ----------------------------------------------------------------------------------------------


def test_only_what_is_named_is_changed_and_null_clears(master, mia):
    master.post("/user/update", {"user_id": "mia", "max_budget": 20, "tpm_limit": 5, "metadata": {"a": 1}})
    answer = master.post("/user/update", {"user_id": "mia", "user_alias": "Renamed", "tpm_limit": None})
    assert answer.json["user_id"] == "mia"
    data = answer.json["data"]
    assert set(data) >= USER_ROW
    assert (data["user_alias"], data["max_budget"], data["tpm_limit"], data["metadata"]) == (
        "Renamed",
        20.0,
        None,
        {"a": 1},
    )


def test_the_address_can_say_who_is_meant(master, mia):
    assert master.post("/user/update", {"user_email": "MIA@example.com", "max_budget": 3}).json["user_id"] == "mia"
    assert reload(mia).max_budget == 3_000_000_000


def test_with_an_id_the_address_is_changed(master, mia, otto):
    assert master.post("/user/update", {"user_id": "mia", "user_email": "Mia.New@example.com"}).status == 200
    assert reload(mia).email == "Mia.New@example.com"
    assert master.post("/user/update", {"user_id": "mia", "user_email": "OTTO@example.com"}).status == 409


def test_an_unknown_user_is_404_and_never_made(master):
    assert master.post("/user/update", {"user_id": "nobody", "max_budget": 1}).status == 404
    assert master.post("/user/update", {"user_email": "nobody@example.com"}).status == 404
    assert people() == []


def test_somebody_must_be_meant(master):
    assert master.post("/user/update", {"max_budget": 1}).status == 422


def test_blocking_ends_keys_and_sessions_at_once_and_unblocking_brings_the_keys_back(curl, browser, master, mia):
    key, page = make_key(mia).secret, browser(mia)
    assert master.post("/user/update", {"user_id": "mia", "blocked": True}).json["data"]["blocked"] is True
    refused = curl(key).get("/key/info")
    assert (refused.status, refused.error["type"]) == (401, "auth_error")
    assert page.get("/ui/keys").status == 303
    master.post("/user/update", {"user_id": "mia", "blocked": False})
    assert curl(key).get("/key/info").status == 200
    assert page.get("/ui/keys").status == 303


def test_a_new_role_bites_on_the_next_request_and_ends_the_sessions(curl, browser, master, mia):
    key, page = make_key(mia).secret, browser(mia)
    master.post("/user/update", {"user_id": "mia", "user_role": "internal_user_viewer"})
    assert curl(key).post("/key/generate", {}).status == 403
    assert page.get("/ui/keys").status == 303


def test_an_open_link_ends_with_the_role(curl, master, ina):
    link = make_invitation(ina).secret
    master.post("/user/update", {"user_id": "ina", "user_role": "proxy_admin"})
    assert curl().get("/onboarding/get_token", invite_link=link).status == 410


# -- /user/delete ----------------------------------------------------------------------------------------------


def test_deleting_answers_the_count_and_ends_keys_sessions_and_links(curl, browser, master, mia, otto):
    key, page, link = make_key(mia).secret, browser(mia), make_invitation(mia).secret
    answer = master.post("/user/delete", {"user_ids": ["mia", "otto"]})
    assert (answer.status, answer.json) == (200, 2)
    assert curl(key).get("/key/info").status == 401
    assert page.get("/ui/keys").status == 303
    assert curl().get("/onboarding/get_token", invite_link=link).status == 410
    assert master.get("/user/info", user_id="mia").status == 404


def test_one_unknown_id_and_nobody_is_deleted(master, mia):
    answer = master.post("/user/delete", {"user_ids": ["mia", "nobody"]})
    assert answer.status == 404
    assert reload(mia).deleted_at is None


def test_a_name_twice_counts_once(master, mia):
    assert master.post("/user/delete", {"user_ids": ["mia", "mia"]}).json == 1


@pytest.mark.parametrize(
    "body", [{"user_ids": []}, {}, {"user_ids": None}, {"user_ids": "mia"}, {"user_ids": [["mia"]]}]
)
def test_somebody_must_be_named(master, mia, body):
    assert master.post("/user/delete", body).status == 422
    assert reload(mia).deleted_at is None


# -- the last admin --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("delete", {"user_ids": ["ada"]}),
        ("update", {"user_id": "ada", "user_role": "internal_user"}),
        ("update", {"user_id": "ada", "blocked": True}),
    ],
)
def test_the_last_admin_stays(master, ada, path, body):
    answer = master.post(f"/user/{path}", body)
    assert answer.status == 409
    stored = reload(ada)
    assert (stored.role, stored.is_blocked, stored.deleted_at) == ("proxy_admin", False, None)


def test_a_blocked_or_invited_admin_does_not_count_as_one(master, ada):
    make_user("Blocked", role="proxy_admin", is_blocked=True)
    assert master.post("/user/delete", {"user_ids": ["ada"]}).status == 409


def test_two_admins_who_demote_each_other_at_once_leave_one(app, curl, ada):
    bea = make_user("Bea", role="proxy_admin")
    doors = {"ada": curl(bea), "bea": curl(ada)}

    def demote(name):
        return doors[name].post("/user/update", {"user_id": name, "user_role": "internal_user"}).status

    with ThreadPoolExecutor(2) as threads:
        statuses = list(threads.map(demote, doors))
    assert statuses.count(200) == 1
    assert sum(user.role == "proxy_admin" for user in people()) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [("delete", {"user_ids": ["default_user_id"]}), ("update", {"user_id": "default_user_id", "blocked": True})],
)
def test_the_reserved_user_cannot_be_touched(master, path, body):
    assert master.post(f"/user/{path}", body).status in (403, 404, 409)
    assert master.get("/user/available_roles").status == 200


def test_a_user_whose_row_was_blocked_behind_our_back_is_out_too(curl, mia):
    key = make_key(mia).secret
    change(mia, is_blocked=True)
    assert curl(key).get("/key/list").status == 401
