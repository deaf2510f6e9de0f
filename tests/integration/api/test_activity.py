"""Days of spend by curl, with what they consist of."""

import pytest

from selfserve.services import spend_activity
from tests.factories import change
from tests.integration.api.june import JUNE, NOON, READS

METRICS = {
    "spend", "prompt_tokens", "completion_tokens", "cache_read_input_tokens", "total_tokens", "successful_requests",
    "failed_requests", "api_requests", "unpriced_requests",
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("today")


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
        "unpriced_requests": 0,
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
            "total_cache_read_input_tokens": 24, "total_unpriced_requests": 0, "page": page, "total_pages": 3,
            "has_more": page < 3,
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
