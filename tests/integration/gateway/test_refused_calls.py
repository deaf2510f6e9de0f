"""What the door refuses, in the words of each client, and models whose price nobody knows."""

import pytest

from tests.clients import Curl, InProcess
from tests.factories import change, make_key
from tests.integration.gateway.calls import BODIES, MODEL, body, recorded

ODD = "a-model-of-the-house"


@pytest.mark.parametrize("path", BODIES)
def test_anthropics_clients_find_their_word_beside_the_error(curl, mia, upstream, path):
    """Ours, the upstream's and a wrong key's; everywhere else the envelope is one word."""
    upstream.be(status=404)
    for door, asked in ((curl(mia), body(path)), (curl(mia), {}), (curl("sk-nobody-has-such-a-key-0123456789"), {})):
        answer = door.post(path, asked)
        assert answer.status >= 400
        assert answer.json.get("type") == ("error" if path == "/v1/messages" else None)
        assert set(answer.error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("whose", ["the key's", "the owner's", "nobody's"])
def test_a_budget_pays_for_no_unknown_price_where_that_is_refused(app_with, mia, upstream, whose):
    change(mia, max_budget=10**9 if whose == "the owner's" else None)
    secret = make_key(mia, max_budget=10**9 if whose == "the key's" else None).secret
    strict, path = Curl(InProcess(app_with(selfserve_unpriced="refuse")), secret), "/v1/chat/completions"
    answer = strict.post(path, body(model=ODD))
    if whose == "nobody's":
        assert (answer.status, recorded().exception) == (200, "price_unknown")
        return
    assert (answer.status, answer.error["type"], upstream.got) == (403, "key_model_access_denied", [])
    assert answer.error["message"].startswith(f"Nobody here knows what {ODD} costs")
    assert strict.post(path, body(model=MODEL)).status == 200


def test_as_it_comes_such_a_model_can_be_called(curl, mia, upstream):
    assert (
        curl(make_key(mia, max_budget=10**9).secret).post("/v1/responses", body("/v1/responses", model=ODD)).status
        == 200
    )
    assert recorded().exception == "price_unknown"
