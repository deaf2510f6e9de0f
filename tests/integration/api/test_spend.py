"""Spend by curl: whose, single calls, who spent the most; own for users, all for admins."""

import pytest

from selfserve.minting import fingerprint
from selfserve.services import spend_lists
from tests.factories import change, make_key, make_user
from tests.integration.api.june import JUNE, NOON, READS, calls
from tests.integration.api.shapes import KEY_ROW, MOMENT, USER_ROW

pytestmark = pytest.mark.usefixtures("today")


# -- whose --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("asked", ["otto", "nobody", "default_user_id"])
@pytest.mark.parametrize("role", ["internal_user", "internal_user_viewer"])
def test_a_filter_that_names_somebody_else_is_403_whether_they_exist_or_not(curl, otto, path, asked, role):
    """S-6: the same answer for everybody's id."""
    answer = curl(make_user("Pia", role=role)).get(path, user_id=asked, **JUNE)
    assert (answer.status, answer.error["param"]) == (403, "user_id")


@pytest.mark.parametrize("path", READS)
def test_a_blank_filter_never_widens(curl, mia, june, path):
    """S-7c: an empty or doubled name is refused."""
    assert curl(mia).get(path, user_id="", **JUNE).status == 422
    assert curl(mia).get(path, user_id=["mia", "otto"], **JUNE).status == 400


def test_one_may_name_oneself(curl, mia, june):
    assert curl(mia).get(READS[0], user_id="mia", **JUNE).json["metadata"]["total_spend"] == 7.750000001


@pytest.mark.parametrize("name", ["id", "hash", "secret"])
def test_somebody_elses_key_has_no_days_and_no_calls(curl, mia, june, name):
    """S-6: it looks as if it did not exist."""
    _, _, others = june
    asked = {"id": others.row.id, "hash": others.row.token, "secret": others.secret}[name]
    door = curl(mia)
    assert door.get(READS[0], api_key=asked, **JUNE).json["results"] == []
    assert door.get("/spend/logs", api_key=asked).json == []
    assert {day["spend"] for day in door.get("/spend/logs", api_key=asked, **JUNE).json} == {0.0}


@pytest.mark.parametrize("role", ["proxy_admin", "proxy_admin_viewer"])
def test_admins_read_everyones_and_one_persons(curl, june, role):
    door = curl(make_user("Nora", role=role))
    everyones = door.get(READS[0], **JUNE).json
    assert everyones["metadata"]["total_spend"] == 107.750000001
    assert list(everyones["results"][0]["breakdown"]["entities"]) == ["otto", "mia"]
    assert door.get(READS[0], user_id="otto", **JUNE).json["metadata"]["total_spend"] == 100.0
    assert door.get(READS[0], user_id="nobody", **JUNE).json["results"] == []


def test_what_somebody_spent_stays_when_they_are_deleted(curl, ada, otto, june):
    change(otto, deleted_at=NOON)
    door = curl(ada)
    assert door.get(READS[0], user_id="otto", **JUNE).json["metadata"]["total_spend"] == 100.0
    assert [call["spend"] for call in door.get("/spend/logs", user_id="otto").json] == [100.0]


def test_a_key_that_may_only_read_reads_spend(curl, mia, june):
    """A key of the kind `read_only` may call the info routes, these among them."""
    key = make_key(mia, allowed_routes=["info_routes"], key_type="read_only")
    for path in (*READS, "/spend/keys"):
        assert curl(key.secret).get(path, **JUNE).status == 200
    models_only = make_key(mia, allowed_routes=["llm_api_routes"], key_type="llm_api")
    for path in (*READS, "/spend/keys"):
        assert curl(models_only.secret).get(path, **JUNE).status == 403


# -- logs ---------------------------------------------------------------------------------------------------------


def test_a_call_is_told_in_the_documented_words(curl, mia):
    key = make_key(mia, "laptop")
    went = {"provider": "openai", "status": 502, "latency_ms": 1_500, "exception": "usage_estimated"}
    calls(key, ("gpt", 0, "0.5", {"address": "10.0.0.9", "user_agent": "curl/8", "is_failed": True} | went))
    (call,) = curl(mia).get("/spend/logs").json
    assert MOMENT.fullmatch(call["startTime"])
    assert call.pop("request_id").startswith(key.row.id)
    assert call == {
        "api_key": key.row.token, "user": "mia", "team_id": None, "model": "gpt", "spend": 0.5, "prompt_tokens": 10,
        "completion_tokens": 5, "total_tokens": 15, "startTime": "2026-06-17T12:00:00.000000Z",
        "endTime": "2026-06-17T12:00:01.500000Z", "request_duration_ms": 1500, "custom_llm_provider": "openai",
        "requester_ip_address": "10.0.0.9",
        "metadata": {"status": "failure", "user_agent": "curl/8", "user_api_key_alias": "laptop",
                     "user_api_key_user_id": "mia", "cache_read_input_tokens": 4, "http_status": 502,
                     "exception": "usage_estimated"},
    }  # fmt: skip


def test_what_nobody_knows_of_a_call_is_told_as_unknown_and_not_as_nothing(curl, mia):
    cut_off = {"exception": "uncounted", "is_failed": True, "prompt_tokens": 0, "completion_tokens": 0}
    known_by_half = {"exception": "price_unknown"}
    calls(make_key(mia), ("gpt", 0, "0", {}), ("no-price", 0, "0", known_by_half), ("gpt", 0, "0", cut_off))
    logged = {call["metadata"]["exception"]: call for call in curl(mia).get("/spend/logs").json}
    assert set(logged) == {None, "price_unknown", "uncounted"}
    assert [logged[None][name] for name in ("endTime", "request_duration_ms", "custom_llm_provider")] == [None] * 3
    for path in READS[:2]:
        told = curl(mia).get(path, **JUNE).json
        assert told["metadata"]["total_unpriced_requests"] == 2
        (day,) = told["results"]
        parts = {name: part["metrics"]["unpriced_requests"] for name, part in day["breakdown"]["models"].items()}
        assert (day["metrics"]["unpriced_requests"], parts) == (2, {"gpt": 1, "no-price": 1})
    for path in ("/spend/keys", "/spend/users"):
        assert sum(row["unpriced_requests"] for row in curl(mia).get(path).json) == 2


def test_calls_come_newest_first_and_can_be_chosen(curl, ada, mia, june):
    laptop, *_ = june
    door = curl(mia)
    every = door.get("/spend/logs").json
    assert [call["startTime"] for call in every] == sorted((call["startTime"] for call in every), reverse=True)
    assert len(every) == 6
    assert len(door.get("/spend/logs", api_key=laptop.secret).json) == 3
    assert len(door.get("/spend/logs", summarize="false", start_date="2026-06-16", end_date="2026-06-16").json) == 1
    assert door.get("/spend/logs", request_id=every[0]["request_id"]).json == every[:1]
    assert len(curl(ada).get("/spend/logs").json) == 7
    assert len(curl(ada).get("/spend/logs", user_id="otto").json) == 1


def test_somebody_elses_call_is_not_found_by_its_number(curl, ada, mia, otto, june):
    """S-6: nor by chance."""
    (theirs,) = curl(otto).get("/spend/logs").json
    assert curl(mia).get("/spend/logs", request_id=theirs["request_id"]).json == []
    assert curl(ada).get("/spend/logs", request_id=theirs["request_id"]).json == [theirs]


def test_a_list_that_is_cut_says_so(curl, ada, mia, june, monkeypatch):
    truncated = "x-litellm-spend-logs-truncated"
    monkeypatch.setattr(spend_lists, "MOST_CALLS", 6)
    assert truncated not in curl(mia).get("/spend/logs").headers
    answer = curl(ada).get("/spend/logs")
    assert (len(answer.json), answer.headers[truncated]) == (6, "true")
    monkeypatch.setattr(spend_lists, "MOST_ROWS", 2)
    for path in ("/spend/keys", "/spend/users"):
        answer = curl(ada).get(path)
        assert (len(answer.json), answer.headers[truncated]) == (2, "true")


def test_days_are_summed_up_oldest_first_also_those_without_calls(curl, mia, june):
    laptop, server, _ = june
    days = curl(mia).get("/spend/logs", start_date="2026-06-15", end_date="2026-06-18").json
    empty = {"spend": 0.0, "users": {}, "models": {}}
    assert days == [
        {"startTime": "2026-06-15"} | empty,
        {"startTime": "2026-06-16", "spend": 1e-09, "users": {"mia": 1e-09}, "models": {"gpt": 1e-09},
         server.row.token: 1e-09},
        {"startTime": "2026-06-17", "spend": 3.75, "users": {"mia": 3.75}, "models": {"gpt": 3.5, "claude": 0.25},
         laptop.row.token: 1.75, server.row.token: 2.0},
        {"startTime": "2026-06-18"} | empty,
    ]  # fmt: skip


def test_half_a_range_of_logs_is_refused(curl, mia):
    answer = curl(mia).get("/spend/logs", start_date="2026-06-01")
    assert (answer.status, "end_date" in answer.error["message"]) == (422, True)


# -- keys and users -----------------------------------------------------------------------------------------------


def test_keys_and_users_are_listed_by_what_they_spent(curl, ada, mia, june):
    laptop, server, others = june
    door = curl(mia)
    spent = [(key["token"], key["total_spend"]) for key in door.get("/spend/keys").json]
    assert spent[:2] == [(server.row.token, 6.000000001), (laptop.row.token, 1.75)]
    assert {key["user_id"] for key in door.get("/spend/keys").json} == {"mia"}
    assert curl(ada).get("/spend/keys").json[0]["token"] == others.row.token
    assert set(door.get("/spend/keys").json[0]) >= KEY_ROW
    assert [user["user_id"] for user in door.get("/spend/users").json] == ["mia"]
    listed = curl(ada).get("/spend/users").json
    assert [(user["user_id"], user["total_spend"]) for user in listed[:2]] == [("otto", 100.0), ("mia", 7.750000001)]
    assert set(listed[0]) >= USER_ROW
    assert [user["user_id"] for user in curl(ada).get("/spend/users", user_id="mia").json] == ["mia"]
    assert curl(ada).get("/spend/users", user_id="nobody").json == []


def test_no_answer_holds_a_secret_or_a_former_hash(curl, ada, mia, june):
    """S-12, S-14: hashes of keys that exist are documented names; nothing else is."""
    laptop, *_ = june
    door = curl(ada)
    for path in (*READS, "/spend/keys"):
        text = door.get(path, **JUNE).text
        assert laptop.secret not in text
        assert fingerprint(door.token) in text or path != "/spend/keys"
