"""Several keys at once, by any of their names; the names alone; and whether the key that asks is well."""

import pytest

from tests.factories import make_key


def test_mia_sees_several_of_her_keys_and_nothing_of_ottos(curl, mia, otto):
    laptop, other = make_key(mia, alias="laptop"), make_key(otto, alias="other")
    body = {"keys": [laptop.secret, other.row.token, "sk-nobody"], "key_aliases": ["other"]}
    answer = curl(mia).post("/v2/key/info", body)
    assert answer.status == 200
    assert answer.json["key"][0] == laptop.row.token
    assert answer.json["key"][3] == "other"
    assert [row["key_alias"] for row in answer.json["info"]] == ["laptop"]
    assert laptop.secret not in answer.text


def test_who_sees_all_keys_finds_every_one_that_bears_the_name(curl, vera, mia, otto):
    for person in (mia, otto):
        make_key(person, alias="laptop")
    rows = curl(vera).post("/v2/key/info", {"key_aliases": ["laptop"]}).json["info"]
    assert {row["user_id"] for row in rows} == {"mia", "otto"}


@pytest.mark.parametrize(
    "body", [{}, {"keys": None, "key_aliases": None}, {"keys": []}, {"keys": [None]}, {"keys": "sk-"}]
)
def test_no_name_at_all_is_422(curl, mia, body):
    assert curl(mia).post("/v2/key/info", body).status == 422


def test_aliases_are_listed_in_order_page_by_page(curl, mia, otto):
    for alias in ("Zeta", "alpha", "Mid"):
        make_key(mia, alias=alias)
    make_key(otto, alias="hidden")
    door = curl(mia)
    asked = [alias for alias in door.get("/key/aliases").json["aliases"] if alias in ("Zeta", "alpha", "Mid")]
    assert asked == ["alpha", "Mid", "Zeta"]
    first = door.get("/key/aliases", size=2).json
    second = door.get("/key/aliases", size=2, page=2).json
    assert (first["total_count"], first["total_pages"], first["current_page"], first["size"]) == (4, 2, 1, 2)
    assert len({*first["aliases"], *second["aliases"]}) == 4
    assert "hidden" not in first["aliases"] + second["aliases"]


def test_aliases_are_searched(curl, master, mia, otto):
    make_key(mia, alias="ci-nightly")
    make_key(otto, alias="ci-weekly")
    assert curl(mia).get("/key/aliases", search="NIGHT").json["aliases"] == ["ci-nightly"]
    assert master.get("/key/aliases", search="ci-").json["aliases"] == ["ci-nightly", "ci-weekly"]


def test_a_filter_that_finds_nothing_is_an_empty_list(curl, mia, otto):
    make_key(otto, alias="hidden")
    answer = curl(mia).get("/key/aliases", search="hidden").json
    assert (answer["aliases"], answer["total_count"], answer["total_pages"]) == ([], 0, 0)


@pytest.mark.parametrize("ask", ["get", "post"])
def test_the_key_that_asks_is_well(curl, mia, ivo, ask):
    for person in (mia, ivo):
        answer = getattr(curl(person), ask)("/key/health", *([{}] if ask == "post" else []))
        assert (answer.status, answer.json) == (200, {"key": "healthy", "logging_callbacks": None})


def test_a_blocked_key_is_not_well(curl, mia):
    key = make_key(mia, is_blocked=True)
    assert curl(key.secret).post("/key/health").status == 401
