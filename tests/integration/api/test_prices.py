"""Prices by curl: listed, set, deleted; what a call costs follows from them, in calls from then on."""

import json

import pytest

from selfserve.models import AuditEvent, Call, ModelPrice
from tests.answers import COMPLETION, PROMPT
from tests.factories import make_key, make_price, rows
from tests.integration.gateway.calls import CHAT, body
from tests.integration.security.snapshots import unchanged

HOUSE = {"model": "house", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06}
WORDS = {
    "model", "source", "input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost", "updated_at",
    "updated_by",
}  # fmt: skip


def price_rows():
    return {row.model: (row.prompt, row.completion, row.cached) for row in rows(ModelPrice)}


def test_ada_sets_a_price_in_dollars_per_token(curl, ada):
    answer = curl(ada).post("/price/update", HOUSE)
    assert (answer.status, set(answer.json)) == (200, WORDS)
    assert answer.json | {"updated_at": ""} == HOUSE | {
        "source": "admin", "cache_read_input_token_cost": 2e-06, "updated_at": "", "updated_by": "ada",
    }  # fmt: skip
    assert price_rows() == {"house": ("0.000002", "0.000008", None)}
    curl(ada).post("/price/update", HOUSE | {"cache_read_input_token_cost": "0.0000005"})
    assert price_rows() == {"house": ("0.000002", "0.000008", "0.0000005")}
    assert [event.after["cached"] for event in rows(AuditEvent) if event.object_type == "price"] == [None, "0.0000005"]


def test_a_price_holds_for_calls_from_then_on_and_nothing_recorded_changes(curl, ada, mia, upstream):
    door, boss = curl(make_key(mia).secret), curl(ada)
    assert door.post(CHAT, body()).status == 200
    boss.post("/price/update", HOUSE | {"model": "gpt-4o-mini"})
    assert door.post(CHAT, body()).status == 200
    boss.post("/price/delete", {"model": "gpt-4o-mini"})
    assert door.post(CHAT, body()).status == 200
    before, between, after = [call.cost for call in rows(Call)]
    assert between == PROMPT * 2_000 + COMPLETION * 8_000
    assert before == after < between


def test_an_unknown_price_is_recorded_as_such_until_an_admin_sets_it(curl, browser, ada, mia, upstream):
    door = curl(make_key(mia).secret)
    assert door.post(CHAT, body(model="house")).status == 200
    page = browser(ada)
    assert "house 1 call of unknown cost" in page.get("/ui/settings").html.words()
    curl(ada).post("/price/update", HOUSE)
    assert door.post(CHAT, body(model="house")).status == 200
    assert "unknown cost" not in page.get("/ui/settings").html.words()
    assert [(call.cost, call.exception) for call in rows(Call)] == [
        (0, "price_unknown"),
        (PROMPT * 2_000 + COMPLETION * 8_000, None),
    ]


def test_without_a_price_of_an_admin_the_list_holds_or_nobody_knows(curl, ada):
    door = curl(ada)
    for model in ("gpt-4o-mini", "house"):
        make_price(model)
    answer = door.post("/price/delete", {"model": "gpt-4o-mini"}).json
    assert (answer["deleted"], answer["price"]["source"]) == ("gpt-4o-mini", "list")
    assert (answer["price"]["input_cost_per_token"], answer["price"]["updated_by"]) == (1.5e-07, None)
    assert door.post("/price/delete", {"model": "house"}).json == {"deleted": "house", "price": None}
    assert door.post("/price/delete", {"model": "house"}).status == 404


# -- the list -------------------------------------------------------------------------------------------------


def test_vera_lists_what_admins_set_and_what_the_public_list_says(curl, vera):
    make_price("gpt-4o-mini")
    door = curl(vera)
    set_here = door.get("/price/list", source="admin").json
    assert [(row["model"], row["source"]) for row in set_here["prices"]] == [("gpt-4o-mini", "admin")]
    assert (set_here["total_count"], set_here["current_page"], set_here["total_pages"]) == (1, 1, 1)
    every, listed = door.get("/price/list").json, door.get("/price/list", source="list").json
    assert (every["total_count"], len(every["prices"])) == (listed["total_count"] + 1, 50)
    found = [row["model"] for row in door.get("/price/list", search="GPT-4o-m").json["prices"]]
    assert found[:2] == ["gpt-4o-mini", "gpt-4o-mini-2024-07-18"]
    assert "azure/gpt-4o-mini" in found


def test_its_pages_hold_every_model_once(curl, vera):
    door, seen = curl(vera), []
    first = door.get("/price/list", search="gpt-4o", size=20).json
    for page in range(1, first["total_pages"] + 1):
        seen += [row["model"] for row in door.get("/price/list", search="gpt-4o", size=20, page=page).json["prices"]]
    assert len(seen) == len(set(seen)) == first["total_count"] > 20
    assert door.get("/price/list", search="gpt-4o", page=999).json["prices"] == []


@pytest.mark.parametrize("words", ["%", "_____", "' OR 1=1 --", "\\", "a" * 255])
def test_signs_of_sql_find_nothing_by_themselves(curl, vera, words):
    """S-31, S-32."""
    make_price("house")
    assert curl(vera).get("/price/list", search=words).json["total_count"] == 0


# -- who may, and what is no price ----------------------------------------------------------------------------


def test_lesser_roles_change_nothing_and_users_see_nothing(curl, vera, mia, ivo):
    make_price("house")
    doors = [curl(person) for person in (vera, mia, ivo)]
    with unchanged():
        for door in doors:
            assert door.post("/price/update", HOUSE).status == 403
            assert door.post("/price/delete", {"model": "house"}).status == 403
        for door in doors[1:]:
            assert door.get("/price/list").status == 403


WRONG = ['""', "null", "true", "-1e-9", "0.0100001", "3", '"NaN"', '"1e400"', "[]", "{}", f'"{"1" * 60}"', '"free"']


@pytest.mark.parametrize("amount", WRONG)
@pytest.mark.parametrize("field", ["input_cost_per_token", "output_cost_per_token"])
def test_what_is_no_price_is_422_and_names_its_field(curl, ada, field, amount):
    body = json.dumps(HOUSE).replace(json.dumps({field: HOUSE[field]})[1:-1], f'"{field}": {amount}')
    answer = curl(ada).send("POST", "/price/update", body.encode(), headers={"Content-Type": "application/json"})
    assert (answer.status, answer.error["param"]) == (422, field)
    assert price_rows() == {}


def test_a_price_of_a_million_tokens_that_lost_its_unit_is_refused(curl, ada):
    answer = curl(ada).post("/price/update", HOUSE | {"input_cost_per_token": 0.15})
    assert (
        answer.error["message"] == "input_cost_per_token: must be dollars per token from 0 to 0.01, such as 0.000002."
    )


def test_both_prices_are_needed(curl, ada):
    for field in ("input_cost_per_token", "output_cost_per_token", "model"):
        answer = curl(ada).post("/price/update", {name: value for name, value in HOUSE.items() if name != field})
        assert (answer.status, answer.error["param"]) == (422, field)


def test_there_are_never_more_than_can_be_looked_through(curl, ada, monkeypatch):
    monkeypatch.setattr("selfserve.services.model_prices.MOST_SET", 1)
    door = curl(ada)
    assert door.post("/price/update", HOUSE).status == 200
    assert door.post("/price/update", HOUSE | {"model": "another"}).status == 409
    assert door.post("/price/update", HOUSE | {"output_cost_per_token": 0}).status == 200
