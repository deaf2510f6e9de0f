"""A soft budget warns and refuses nothing: said of keys and people, never more than the budget at which calls stop."""

import pytest

from tests.factories import change, make_key, reload
from tests.integration.pages.parts import errors

DOLLAR = 10**9


@pytest.mark.parametrize("path", ["/key/generate", "/key/update", "/key/regenerate"])
def test_mia_sets_the_soft_budget_of_her_own_key_by_curl(curl, mia, path):
    key = make_key(mia, max_budget=20 * DOLLAR)
    named = {} if path == "/key/generate" else {"key": key.row.id}
    answer = curl(mia).post(path, {"soft_budget": "12.50", **named}, reveals="update" not in path)
    assert (answer.status, answer.json["soft_budget"]) == (200, 12.5)
    assert curl(mia).get("/key/info", key=answer.json["token"]).json["info"]["soft_budget"] == 12.5


def test_also_where_an_admin_set_the_budget(curl, ada, mia):
    key = make_key(mia).row
    assert curl(ada).post("/key/update", {"key": key.id, "max_budget": 20, "soft_budget": 15}).status == 200
    for soft in (18, 5, None):
        assert curl(mia).post("/key/update", {"key": key.id, "soft_budget": soft}).json["soft_budget"] == soft


@pytest.mark.parametrize("body", [{"soft_budget": 21}, {"max_budget": 9}, {"soft_budget": 30, "max_budget": 29}])
@pytest.mark.parametrize("what", ["key", "user"])
def test_it_is_never_more_than_the_budget(curl, ada, mia, what, body):
    limits = {"max_budget": 20 * DOLLAR, "soft_budget": 10 * DOLLAR}
    row = make_key(mia, **limits).row if what == "key" else change(mia, **limits)
    name = {"key": row.id} if what == "key" else {"user_id": mia.user_id}
    answer = curl(ada).post(f"/{what}/update", {**name, **body})
    assert (answer.status, answer.error["param"]) == (422, "soft_budget")
    assert "is more than the budget itself" in answer.error["message"]
    assert (reload(row).max_budget, reload(row).soft_budget) == (20 * DOLLAR, 10 * DOLLAR)


@pytest.mark.parametrize(("path", "more"), [("/key/generate", {}), ("/user/new", {"user_id": "pia"})])
def test_not_from_the_start_either(curl, ada, path, more):
    assert curl(ada).post(path, {"max_budget": 1, "soft_budget": 2, **more}).error["param"] == "soft_budget"
    alone = curl(ada).post(path, {"soft_budget": 2, **more}, reveals=True)
    assert (alone.json["soft_budget"], alone.json["max_budget"]) == (2.0, None)


def test_ada_sets_somebodys_and_everybody_who_may_see_them_sees_it(curl, ada, vera, mia):
    assert curl(ada).post("/user/update", {"user_id": "mia", "soft_budget": 3}).json["data"]["soft_budget"] == 3.0
    for who in (mia, vera):
        assert curl(who).get("/user/info", user_id="mia").json["user_info"]["soft_budget"] == 3.0
    assert curl(mia).post("/user/update", {"user_id": "mia", "soft_budget": 30}).status == 403


def test_the_forms_ask_for_it_and_refuse_it_in_its_place(browser, mia):
    key, page = make_key(mia, max_budget=20 * DOLLAR).row, browser(mia)
    page.get(f"/ui/keys/{key.id}/edit")
    refused = page.submit(f"/ui/keys/{key.id}/edit", soft_budget="21")
    assert (refused.status, [*errors(refused)]) == (422, ["soft_budget"])
    assert errors(refused)["soft_budget"].startswith("Soft budget is more than the budget itself, $20.00")
    assert page.submit(f"/ui/keys/{key.id}/edit", soft_budget="19").status == 303
    assert reload(key).soft_budget == 19 * DOLLAR
    page.get("/ui/keys/new")
    refused = page.submit("/ui/keys", key_alias="new", max_budget="1", soft_budget="2")
    assert (refused.status, [*errors(refused)]) == (422, ["soft_budget"])


def test_the_form_of_a_person_asks_for_it_too(browser, ada, mia):
    change(mia, max_budget=20 * DOLLAR)
    page = browser(ada)
    page.get(f"/ui/users/{mia.id}/edit")
    assert [*errors(page.submit(f"/ui/users/{mia.id}/edit", soft_budget="20.01"))] == ["soft_budget"]
    assert page.submit(f"/ui/users/{mia.id}/edit", soft_budget="20").status == 303
    assert reload(mia).soft_budget == 20 * DOLLAR


def test_a_change_of_it_is_told_with_what_it_was(browser, curl, mia):
    key = make_key(mia, soft_budget=5 * DOLLAR).row
    curl(mia).post("/key/update", {"key": key.id, "soft_budget": 7})
    curl(mia).post("/key/update", {"key": key.id, "soft_budget": None})
    said = browser(mia).get(f"/ui/keys/{key.id}").html.words()
    assert "soft budget from $5.00 to $7.00" in said
    assert "soft budget from $7.00 to none" in said
