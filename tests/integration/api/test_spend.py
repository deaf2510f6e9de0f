"""Spend by curl: days with their breakdown, single calls, who spent the most; own for users, all for admins."""

from datetime import UTC, datetime, timedelta

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.minting import fingerprint
from selfserve.money import to_nanos
from selfserve.schemas.spend import CallRecord
from selfserve.services import spend, spend_activity, spend_lists
from tests.application import the_app
from tests.factories import change, make_key, make_user
from tests.integration.api.shapes import KEY_ROW, MOMENT, USER_ROW

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)
JUNE = {"start_date": "2026-06-01", "end_date": "2026-06-30"}
METRICS = {
    "spend", "prompt_tokens", "completion_tokens", "cache_read_input_tokens", "total_tokens", "successful_requests",
    "failed_requests", "api_requests",
}  # fmt: skip
READS = ["/user/daily/activity", "/user/daily/activity/aggregated", "/spend/logs", "/spend/users"]


@pytest.fixture(autouse=True)
def today():
    """It is a Wednesday in June."""
    with travel(NOON):
        yield


def calls(key, *told):
    """Record calls with a key: model, days ago, dollars, and whatever else."""
    records = [
        CallRecord(
            request_id=f"{key.row.id}-{number}-{now().timestamp()}", key_id=key.row.id, model=model,
            started_at=NOON - timedelta(days=age), cost=to_nanos(dollars),
            **{"prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 4} | more,
        )
        for number, (model, age, dollars, more) in enumerate(told)
    ]  # fmt: skip
    with the_app().app_context():
        spend.record_calls(records)


@pytest.fixture
def june(mia, otto):
    """Mia has two keys and three days in June, Otto one of each."""
    laptop, server, other = make_key(mia, "laptop"), make_key(mia, "server"), make_key(otto, "otto's")
    calls(laptop, ("gpt", 0, "1.50", {}), ("gpt", 0, 0, {"is_failed": True}), ("claude", 0, "0.25", {}))
    calls(server, ("gpt", 0, "2", {}), ("gpt", 1, "0.000000001", {}), ("claude", 9, "4", {}))
    calls(other, ("gpt", 0, "100", {}))
    return laptop, server, other


# -- days ---------------------------------------------------------------------------------------------------------


def test_mia_reads_her_days_newest_first_with_what_they_consist_of(curl, mia, june):
    laptop, server, _ = june
    answer = curl(mia).get("/user/daily/activity", **JUNE).json
    assert [(day["date"], day["metrics"]["spend"]) for day in answer["results"]] == [
        ("2026-06-17", 3.75), ("2026-06-16", 0.000000001), ("2026-06-08", 4.0),
    ]  # fmt: skip
    newest = answer["results"][0]
    assert set(newest["metrics"]) == METRICS
    assert newest["metrics"] == {
        "spend": 3.75, "prompt_tokens": 40, "completion_tokens": 20, "cache_read_input_tokens": 16, "total_tokens": 60,
        "successful_requests": 3, "failed_requests": 1, "api_requests": 4,
    }  # fmt: skip
    models, keys = newest["breakdown"]["models"], newest["breakdown"]["api_keys"]
    assert {name: part["metrics"]["spend"] for name, part in models.items()} == {"gpt": 3.5, "claude": 0.25}
    assert {token: part["metrics"]["spend"] for token, part in keys.items()} == {
        laptop.row.token: 1.75, server.row.token: 2.0,
    }  # fmt: skip
    assert keys[laptop.row.token]["metadata"] == {
        "key_alias": "laptop", "team_id": None, "user_id": "mia", "user_email": "mia@example.com", "key_exists": True,
    }  # fmt: skip
    assert {token: part["metrics"]["spend"] for token, part in models["gpt"]["api_key_breakdown"].items()} == {
        laptop.row.token: 1.5, server.row.token: 2.0,
    }  # fmt: skip
    assert newest["breakdown"]["entities"] == {
        "mia": {"metrics": newest["metrics"], "metadata": {"user_email": "mia@example.com", "user_alias": "Mia"}}
    }


def test_the_totals_are_of_the_whole_range_and_a_page_is_of_whole_days(curl, mia, june):
    door, seen = curl(mia), []
    for page in (1, 2, 3, 4):
        answer = door.get("/user/daily/activity", page=page, page_size=1, **JUNE).json
        seen += [day["date"] for day in answer["results"]]
        assert answer["metadata"] == {
            "total_spend": 7.750000001, "total_prompt_tokens": 60, "total_completion_tokens": 30, "total_tokens": 90,
            "total_api_requests": 6, "total_successful_requests": 5, "total_failed_requests": 1,
            "total_cache_read_input_tokens": 24, "page": page, "total_pages": 3, "has_more": page < 3,
            "api_key_limit": 100, "total_api_keys": 2,
        }  # fmt: skip
    assert seen == ["2026-06-17", "2026-06-16", "2026-06-08"]


def test_aggregated_is_the_same_on_one_page(curl, mia, june):
    door = curl(mia)
    days, whole = (door.get(path, **JUNE).json for path in READS[:2])
    assert days == whole


def test_only_the_keys_that_spent_the_most_are_named_and_nothing_is_lost_from_the_sums(curl, mia, june):
    _, server, _ = june
    answer = curl(mia).get("/user/daily/activity", api_key_limit=1, **JUNE).json
    assert (answer["metadata"]["api_key_limit"], answer["metadata"]["total_api_keys"]) == (1, 2)
    newest = answer["results"][0]
    assert list(newest["breakdown"]["api_keys"]) == [server.row.token]
    assert newest["breakdown"]["models"]["claude"]["api_key_breakdown"] == {}
    assert sum(part["metrics"]["spend"] for part in newest["breakdown"]["models"].values()) == 3.75


@pytest.mark.parametrize("name", ["id", "hash", "secret"])
def test_a_key_is_meant_by_each_of_its_names_also_when_it_is_deleted(curl, mia, june, name):
    laptop, _, _ = june
    change(laptop.row, deleted_at=NOON)
    asked = {"id": laptop.row.id, "hash": laptop.row.token, "secret": laptop.secret}[name]
    if name == "secret":  # a deleted key's secret means nothing any more
        change(laptop.row, deleted_at=None)
    answer = curl(mia).get("/user/daily/activity", api_key=asked, **JUNE).json
    assert answer["metadata"]["total_spend"] == 1.75
    (key,) = answer["results"][0]["breakdown"]["api_keys"].values()
    assert key["metadata"]["key_exists"] is (name == "secret")


def test_a_model_is_asked_for_by_its_whole_name(curl, mia, june):
    door = curl(mia)
    spent = {
        model: door.get(READS[0], model=model, **JUNE).json["metadata"]["total_spend"] for model in ("claude", "c")
    }
    assert spent == {"claude": 4.25, "c": 0.0}


def test_a_range_ends_where_it_says(curl, mia, june):
    day = {"start_date": "2026-06-16", "end_date": "2026-06-16"}
    assert curl(mia).get(READS[0], **day).json["metadata"]["total_api_requests"] == 1
    empty = curl(mia).get(READS[0], start_date="2026-01-01", end_date="2026-01-31").json
    assert (empty["results"], empty["metadata"]["total_pages"], empty["metadata"]["has_more"]) == ([], 0, False)


@pytest.mark.parametrize("path", READS[:2])
@pytest.mark.parametrize("query", [{}, {"start_date": "2026-06-01"}, {"end_date": "2026-06-01"}, {"start_date": ""}])
def test_without_a_range_the_answer_says_what_is_needed(curl, mia, path, query):
    answer = curl(mia).get(path, **query)
    assert answer.status == 422
    assert "Please provide start_date and end_date" in answer.error["message"]


@pytest.mark.parametrize("path", READS[:3])
@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [("2026-06-02", "2026-06-01", "must not be after"), ("2025-06-01", "2026-06-02", "366 days at most"),
     ("2026-06-31", "2026-07-01", "must be a date"), ("20260601", "2026-06-30", "must be a date"),
     ("1780000000", "2026-06-30", "must be a date"), ("0001-01-01", "2026-06-30", "between 2000-01-01"),
     ("2026-06-01", "9999-12-31", "between 2000-01-01"), ("٢٠٢٦-06-01", "2026-06-30", "must be a date")],
)  # fmt: skip
def test_a_range_that_is_none_is_refused_in_words(curl, mia, path, first, last, sentence):
    answer = curl(mia).get(path, start_date=first, end_date=last)
    assert (answer.status, sentence in answer.error["message"]) == (422, True), answer.text


def test_a_leap_year_fits_into_a_range(curl, mia):
    assert curl(mia).get(READS[0], start_date="2024-01-01", end_date="2024-12-31").status == 200


@pytest.mark.parametrize("limit", ["0", "1001", "x", ""])
def test_the_limit_of_keys_is_bounded(curl, mia, limit):
    assert curl(mia).get(READS[1], api_key_limit=limit, **JUNE).status == 422


def test_more_than_an_answer_holds_is_refused_rather_than_cut(curl, mia, june, monkeypatch):
    monkeypatch.setattr(spend_activity, "MOST_ENTRIES", 3)
    door = curl(mia)
    answer = door.get(READS[0], **JUNE)
    assert (answer.status, "api_key_limit" in answer.error["message"]) == (422, True)
    assert door.get(READS[0], page_size=1, page=2, **JUNE).status == 200


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
    calls(key, ("gpt", 0, "0.5", {"address": "10.0.0.9", "user_agent": "curl/8", "is_failed": True}))
    (call,) = curl(mia).get("/spend/logs").json
    assert MOMENT.fullmatch(call["startTime"])
    assert call.pop("request_id").startswith(key.row.id)
    assert call == {
        "api_key": key.row.token, "user": "mia", "team_id": None, "model": "gpt", "spend": 0.5, "prompt_tokens": 10,
        "completion_tokens": 5, "total_tokens": 15, "startTime": "2026-06-17T12:00:00.000000Z",
        "requester_ip_address": "10.0.0.9",
        "metadata": {"status": "failure", "user_agent": "curl/8", "user_api_key_alias": "laptop",
                     "user_api_key_user_id": "mia", "cache_read_input_tokens": 4},
    }  # fmt: skip


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
