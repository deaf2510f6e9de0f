"""`GET /v1/models`: what the key that asks may call, as OpenAI's clients read it."""

import pytest

from tests.application import MASTER_KEY
from tests.clients import Curl, InProcess
from tests.factories import make_key, make_user

PATHS = ["/v1/models", "/models"]


@pytest.fixture
def curl_of(house):
    """Open the JSON door of a portal that passes four models on."""
    return lambda token: Curl(InProcess(house()), token)


def names(answer):
    """Which models an answer lists."""
    assert (answer.status, answer.json["object"]) == (200, "list")
    return [model["id"] for model in answer.json["data"]]


@pytest.mark.parametrize("path", PATHS)
def test_a_key_lists_what_it_may_call(curl_of, mia, path):
    key = make_key(mia, models=["gpt-5-*", "house-model", "gpt-9"])
    answer = curl_of(key.secret).get(path)
    assert names(answer) == ["gpt-5-mini", "house-model"]
    assert answer.json["data"][0] == {
        "id": "gpt-5-mini", "object": "model", "created": 1677610602, "owned_by": "openai",
    }  # fmt: skip
    assert answer.json["data"][1]["owned_by"] == "big"


def test_the_lists_of_the_key_and_of_its_owner_must_both_hold_it(curl_of):
    pia = make_user("Pia", models=["gpt-5-mini", "claude-sonnet-4-5"])
    assert names(curl_of(make_key(pia).secret).get("/v1/models")) == ["claude-sonnet-4-5", "gpt-5-mini"]
    narrow = make_key(pia, models=["gpt-5-mini", "house-model"])
    assert names(curl_of(narrow.secret).get("/v1/models")) == ["gpt-5-mini"]


@pytest.mark.parametrize("path", PATHS)
def test_one_model_is_shown_and_any_other_is_not_found(curl_of, mia, path):
    """S-6: one that this key may not call looks like one that there is not."""
    door = curl_of(make_key(mia, models=["gpt-5-mini"]).secret)
    assert door.get(f"{path}/gpt-5-mini").json["id"] == "gpt-5-mini"
    closed, unknown = door.get(f"{path}/house-model"), door.get(f"{path}/no/such-model")
    assert (closed.status, closed.json) == (404, unknown.json)


def test_the_master_key_lists_all(curl_of):
    assert len(names(curl_of(MASTER_KEY).get("/v1/models"))) == 4


def test_a_key_for_other_routes_lists_nothing(curl_of, mia):
    assert curl_of(make_key(mia, allowed_routes=["management_routes"]).secret).get("/v1/models").status == 403
    assert curl_of(make_key(mia, allowed_routes=["llm_api_routes"]).secret).get("/v1/models").status == 200
