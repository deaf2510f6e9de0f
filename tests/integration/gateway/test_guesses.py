"""What a call may have used where nobody says it: never less than what came, nor than what was thought unseen."""

import json

import pytest

from selfserve.schemas.spend import MAX_COST
from tests.clients import Curl, InProcess
from tests.factories import make_key
from tests.integration.gateway.calls import CHAT, body, recorded

UNREADABLE = [b"<html>Welcome to nginx</html>", b"[]", b'{"choices": [', b"[" * 5_000, b'{"choices": []} and more']


@pytest.mark.parametrize("said", UNREADABLE, ids=["html", "a list", "half", "deep", "more"])
def test_what_said_200_and_cannot_be_read_may_have_cost_what_came(curl, mia, upstream, said):
    upstream.be(body=said)
    assert curl(mia).post(CHAT, body()).status == 502
    call = recorded()
    assert (call.status, call.exception) == (502, "usage_estimated")
    assert call.cost > 0


@pytest.mark.parametrize(("model", "tokens"), [("gpt-5-mini", 900), ("gpt-4o-mini", 2)])
def test_who_leaves_while_a_model_thinks_pays_what_it_may_have_thought(app, mia, upstream, monkeypatch, model, tokens):
    """Else thirty thousand tokens of thoughts would cost as much as the first word."""
    monkeypatch.setattr("selfserve.gateway.usage.PACE", 10**6)
    upstream.be(hangs_after=1)
    headers = {"Authorization": f"Bearer {make_key(mia).secret}"}
    asked = body(model=model, stream=True, max_completion_tokens=900)
    response = app.test_client().post(CHAT, json=asked, headers=headers)
    next(iter(response.response))
    response.close()
    call = recorded()
    assert (call.status, call.exception) == (499, "usage_estimated")
    assert call.completion_tokens == tokens


def test_so_does_who_waits_until_it_is_too_late(app_with, mia, upstream, monkeypatch):
    monkeypatch.setattr("selfserve.gateway.usage.PACE", 10**6)
    upstream.be(waits=1)
    app = app_with()
    object.__setattr__(app.config["SETTINGS"], "selfserve_upstream_first_byte", 0.1)  # less than a second
    asked = body(model="gpt-5-mini", max_completion_tokens=900)
    assert Curl(InProcess(app), make_key(mia).secret).post(CHAT, asked).status == 504
    assert (recorded().completion_tokens, recorded().exception) == (900, "usage_estimated")


@pytest.mark.parametrize("budget", [None, 10**9], ids=["no budget", "a budget"])
def test_what_no_call_can_have_used_is_bounded_and_recorded_as_more_than_asked(curl, mia, upstream, budget):
    """An upstream that miscounts loses no call, and takes no more than any sum can hold."""
    told = {"input_tokens": 10**12, "cache_read_input_tokens": 10**13, "cache_creation_input_tokens": 10**15}
    upstream.be(body=json.dumps({"type": "message", "usage": told | {"output_tokens": 10**18}}).encode())
    asked = body("/v1/messages", model="claude-sonnet-4-5")
    assert curl(make_key(mia, max_budget=budget).secret).post("/v1/messages", asked).status == 200
    call = recorded()
    assert (call.prompt_tokens, call.completion_tokens, call.exception) == (10**12, 10**12, "more_than_asked")
    assert call.cost == MAX_COST
