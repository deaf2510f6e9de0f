"""A call that is right reaches the upstream as it was meant, its answer comes back as it was, and it is recorded."""

import json

import pytest

from selfserve.extensions import db
from selfserve.models import ApiKey, Call, OpenCall
from tests.answers import COMPLETION, PROMPT, WORDS
from tests.application import MASTER_KEY
from tests.clients import Curl, InProcess
from tests.factories import change, make_key, reload, rows
from tests.integration.gateway.calls import BODIES, CHAT, MODEL, STREAMED, body, events_of, recorded
from tests.upstream import GAP, KEY

DOLLAR = 1_000_000_000


@pytest.mark.parametrize("prefix", ["/v1", ""], ids=["v1", "bare"])
@pytest.mark.parametrize("path", BODIES)
def test_each_api_answers_and_is_recorded(curl, mia, upstream, path, prefix):
    door = curl(mia)
    answer = door.post(prefix + path.removeprefix("/v1"), body(path))
    assert answer.status == 200
    assert upstream.last.path == path
    assert upstream.last.body == body(path)
    call = recorded()
    is_anthropic, has_output = path == "/v1/messages", path != "/v1/embeddings"
    prompt = PROMPT + 6 if is_anthropic else PROMPT
    assert (call.prompt_tokens, call.completion_tokens) == (prompt, COMPLETION if has_output else 0)
    assert (call.cached_tokens, call.model, call.status, call.exception) == (4, MODEL, 200, None)
    assert call.cost == (prompt - 4) * 150 + 4 * 75 + call.completion_tokens * 600
    assert float(answer.headers["x-litellm-response-cost"]) == call.cost / DOLLAR
    assert call.request_id == answer.headers["x-request-id"]


@pytest.mark.parametrize("path", STREAMED)
def test_each_stream_comes_whole_and_is_recorded(curl, mia, upstream, path):
    upstream.be(pings=True)
    answer = curl(mia).post(path, body(path, stream=True))
    assert answer.status == 200
    assert answer.headers["x-accel-buffering"] == "no"
    said = json.dumps(events_of(answer))
    assert [word for word in WORDS if word not in said] == []
    assert ": still thinking\n\n" in answer.text
    call = recorded()
    assert (call.completion_tokens, call.status, call.exception, call.cached_tokens) == (COMPLETION, 200, None, 4)
    assert call.cost > 0


def test_the_usage_of_a_stream_is_kept_back_from_who_did_not_ask(curl, mia, upstream):
    door = curl(mia)
    plain = events_of(door.post(CHAT, body(stream=True)))
    assert upstream.last.body["stream_options"] == {"include_usage": True}
    assert [event for event in plain[:-1] if event["choices"] == []] == []
    asked = events_of(door.post(CHAT, body(stream=True, stream_options={"include_usage": True})))
    assert asked[-2]["usage"]["completion_tokens"] == COMPLETION
    assert plain[-1] == asked[-1] == "[DONE]"
    assert [call.completion_tokens for call in rows(Call)] == [COMPLETION, COMPLETION]


def test_the_upstream_reads_what_we_decided_about_however_often_a_name_was_written(curl, mia, upstream):
    odd = b'{"model": "gpt-5", "messages": [], "x_of_mine": "\\u00e9", "model":"gpt-4o-mini"}'
    seen = []
    upstream.be(meanwhile=lambda: seen.append(upstream.last.raw))
    assert curl(mia).send("POST", CHAT, odd, headers={"Content-Type": "application/json"}).status == 200
    assert seen == ['{"model":"gpt-4o-mini","messages":[],"x_of_mine":"é"}'.encode()]


@pytest.mark.parametrize("name", ["Model", "MAX_TOKENS", "N", "ſtream", "models", "api_base", "fallbacks"])
def test_a_word_that_another_server_reads_as_another_model_or_limit_is_refused(curl, mia, upstream, name):
    answer = curl(mia).post(CHAT, {"model": "gpt-4o-mini", "messages": [], name: 5})
    assert answer.status == 422
    assert name in answer.json["error"]["message"]
    assert upstream.got == []


def test_only_what_is_meant_for_the_upstream_reaches_it(curl, mia, upstream):
    """S-35: CVE-2026-109292: our own key, and neither the client's nor its cookies."""
    secret = make_key(mia).secret
    sent = {
        "Cookie": "selfserve_session=abc", "X-Forwarded-For": "192.0.2.1", "X-Litellm-Api-Key": secret,
        "Authorization": f"Bearer {secret}", "X-Api-Key": secret, "Anthropic-Version": "2024-01-01",
        "Anthropic-Beta": "tools", "OpenAI-Beta": "assistants=v2", "OpenAI-Organization": "org-theirs",
        "User-Agent": "a program", "Referer": "http://localhost/ui/keys", "X-Stainless-Lang": "python",
    }  # fmt: skip
    assert curl(None).post(CHAT, body(), headers=sent).status == 200
    got = upstream.last.headers
    assert got["authorization"] == f"Bearer {KEY}"
    assert (got["anthropic-beta"], got["openai-beta"], got["anthropic-version"]) == (
        "tools",
        "assistants=v2",
        "2024-01-01",
    )
    assert set(got) <= {
        "host", "content-length", "content-type", "accept", "accept-encoding", "user-agent", "authorization",
        "anthropic-beta", "anthropic-version", "openai-beta",
    }  # fmt: skip
    assert secret not in str(got)
    assert "a program" not in str(got)


def test_an_upstream_may_want_its_key_in_another_header_and_models_have_other_names_there(
    app_with, mia, upstream, tmp_path, monkeypatch
):
    """S-35."""
    file = tmp_path / "upstreams.toml"
    file.write_text(
        f'[[upstream]]\nname = "ours"\nbase_url = "{upstream.url}"\napi_key_env = "OURS"\nauth = "x-api-key"\n'
        '[[upstream.model]]\nname = "fox"\nupstream_name = "claude-real"\nprompt = 3\ncompletion = 15\n'
    )
    monkeypatch.setenv("OURS", "their-own-key")
    app = app_with(selfserve_upstreams=file, upstream_base_url="")
    door = Curl(InProcess(app), make_key(mia).secret)
    assert door.post("/v1/messages", body("/v1/messages", model="fox")).status == 200
    assert upstream.last.body["model"] == "claude-real"
    got = upstream.last.headers
    assert (got["x-api-key"], got["anthropic-version"]) == ("their-own-key", "2023-06-01")
    assert "authorization" not in got
    call = recorded()
    assert (call.model, call.provider) == ("fox", "ours")
    assert call.cost == (PROMPT + 4) * 3_000 + 2 * 3_750 + COMPLETION * 15_000  # two were written to a cache


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-api-key": "{key}"}, 200),
        ({"x-api-key": "Bearer {key}"}, 200),
        ({"x-api-key": "{key}", "Authorization": "Bearer sk-nobody"}, 401),
        ({"x-api-key": "sk-nobody", "Authorization": "Bearer {key}"}, 200),
        ({"x-api-key": "sk-nobody", "x-litellm-api-key": "{key}"}, 200),
        ({"x-api-key": "sk-nobody"}, 401),
    ],
)
def test_a_key_may_come_as_anthropics_clients_send_it(curl, mia, upstream, headers, status):
    secret = make_key(mia).secret
    sent = {name: value.format(key=secret) for name, value in headers.items()}
    assert curl(None).post("/v1/messages", body("/v1/messages"), headers=sent).status == status


def test_elsewhere_that_header_is_no_key(curl, mia):
    assert curl(None).get("/key/list", headers={"x-api-key": make_key(mia).secret}).status == 401


def test_an_answer_is_cut_to_what_the_budget_leaves(curl, mia, upstream):
    door = curl(make_key(mia, max_budget=100_000).secret)
    assert door.post(CHAT, body(max_tokens=4_000)).status == 200
    lowered = upstream.last.body["max_tokens"]
    assert 16 <= lowered < 170
    assert upstream.last.body["messages"] == body()["messages"]
    assert door.post(CHAT, body(max_tokens=20)).status == 200
    assert upstream.last.body["max_tokens"] == 20


def test_a_body_that_hides_its_text_as_images_holds_what_it_may_cost(curl, mia, upstream):
    """Else what it holds would be less than nothing, and others could spend what is not there."""
    hidden = {"type": "image", "image_url": {"type": "image", "file_data": "x" * 1_000_000}}
    seen = []
    upstream.be(meanwhile=lambda: seen.extend(rows(OpenCall)))
    door = curl(make_key(mia, max_budget=DOLLAR).secret)
    assert door.post(CHAT, body(x=hidden, max_tokens=20)).status == 200
    assert seen[0].reserved >= 1_000_000 * 150 + 20 * 600


def test_who_wants_more_thought_than_the_budget_pays_is_told_so(curl, mia, upstream):
    door = curl(make_key(mia, max_budget=DOLLAR // 1_000).secret)
    thinking = {"type": "enabled", "budget_tokens": 8_000}
    answer = door.post("/v1/messages", body("/v1/messages", max_tokens=9_000, thinking=thinking))
    assert (answer.status, answer.error["type"]) == (429, "budget_exceeded")
    assert "thinking.budget_tokens asks for 8,000" in answer.error["message"]
    assert upstream.got == []
    assert (recorded().status, recorded().cost) == (429, 0)


def test_a_budget_that_is_used_up_lets_nothing_through(curl, mia, upstream):
    key = make_key(mia, max_budget=100_000)
    change(key.row, window_spend=100_000)
    answer = curl(key.secret).post(CHAT, body())
    assert (answer.status, answer.error["type"]) == (429, "budget_exceeded")
    assert answer.headers["x-should-retry"] == "false"
    assert upstream.got == []


REFUSED = [
    ({"model": "gpt-4o-mini", "messages": "hello"}, "messages"),
    ({"messages": []}, "model"),
    ({"model": "", "messages": []}, "model"),
    ({"model": " gpt-4o-mini", "messages": []}, "model"),
    ({"model": ["gpt-4o-mini"], "messages": []}, "model"),
    ({"model": "gpt-4o-mini", "messages": [], "stream": "true"}, "stream"),
    ({"model": "gpt-4o-mini", "messages": [], "stream": 1}, "stream"),
    ({"model": "gpt-4o-mini", "messages": [], "n": "5"}, "n"),
    ({"model": "gpt-4o-mini", "messages": [], "n": 1000}, "n"),
    ({"model": "gpt-4o-mini", "messages": [], "max_tokens": "900"}, "max_tokens"),
    ({"model": "gpt-4o-mini", "messages": [], "max_tokens": -1}, "max_tokens"),
    ({"model": "gpt-4o-mini", "messages": [], "service_tier": "priority"}, "service_tier"),
    ({"model": "gpt-4o-mini", "messages": [], "modalities": ["text", "audio"]}, "modalities"),
    ({"model": "gpt-4o-mini", "messages": [{"content": [{"type": "input_audio"}]}]}, "messages"),
]


@pytest.mark.parametrize(("content", "param"), REFUSED)
def test_what_could_be_read_in_two_ways_is_refused_here(curl, mia, upstream, content, param):
    answer = curl(mia).post(CHAT, content)
    assert (answer.status, answer.error["param"]) == (422, param)
    assert upstream.got == []
    assert rows(OpenCall) == []


def test_an_answer_that_nobody_could_count_is_refused(curl, mia, upstream):
    answer = curl(mia).post("/v1/responses", body("/v1/responses", background=True))
    assert (answer.status, answer.error["param"]) == (422, "background")


def test_who_may_not_call_a_model_is_told_so_before_anything_is_sent(curl, mia, upstream):
    answer = curl(make_key(mia, models=["claude-*"]).secret).post(CHAT, body())
    assert (answer.status, answer.error["type"]) == (403, "key_model_access_denied")
    assert curl(MASTER_KEY).post(CHAT, body()).status == 403
    assert upstream.got == []


def test_a_key_for_management_opens_no_model(curl, mia, upstream):
    answer = curl(make_key(mia, allowed_routes=["management_routes"]).secret).post(CHAT, body())
    assert answer.status == 403
    assert curl(make_key(mia, allowed_routes=["llm_api_routes"]).secret).post(CHAT, body()).status == 200
    assert len(upstream.got) == 1


def test_without_an_upstream_it_says_which_variable_to_set(app_with, mia):
    answer = Curl(InProcess(app_with(upstream_base_url="")), make_key(mia).secret).post(CHAT, body())
    assert answer.status == 503
    assert "UPSTREAM_BASE_URL" in answer.error["message"]


def test_a_prompt_may_be_larger_than_other_bodies_but_not_endless(curl, mia, upstream, app_with):
    """S-32: 20 MB here, 1 MB elsewhere, each said as it is."""
    door = curl(mia)
    assert door.post(CHAT, body(messages=[{"role": "user", "content": "x" * 3_000_000}])).status == 200
    assert len(upstream.last.body["messages"][0]["content"]) == 3_000_000
    for path, size, most in ((CHAT, 20_100_000, "20 MB"), ("/key/generate", 1_100_000, "1 MB")):
        answer = door.post(path, {"model": "x" * size})
        assert answer.status == 413
        assert f"larger than {most}" in answer.error["message"]
    small = Curl(InProcess(app_with(selfserve_call_megabytes=1)), door.token)
    assert small.post(CHAT, {"model": "x" * 1_100_000}).status == 413


def test_a_body_nested_too_deep_is_refused(curl, mia, upstream):
    """S-32."""
    deep = b'{"model": "gpt-4o-mini", "messages": ' + b"[" * 900 + b"]" * 900 + b"}"
    answer = curl(mia).send("POST", CHAT, deep, headers={"Content-Type": "application/json"})
    assert (answer.status, upstream.got) == (422, [])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_no_connection_to_the_database_is_held_while_the_upstream_answers(app, curl, mia, upstream, stream):
    def held():
        with app.app_context():
            return db.engine.pool.checkedout()

    seen = []
    upstream.be(meanwhile=lambda: seen.append(held()))
    assert curl(mia).post(CHAT, body(stream=stream)).status == 200
    assert set(seen) == {0}
    assert len(seen) > (5 if stream else 0)


def test_a_stream_passes_piece_by_piece_and_is_recorded_before_its_last_event(app, mia, upstream):
    response = app.test_client().post(
        CHAT, json=body(stream=True), headers={"Authorization": f"Bearer {make_key(mia).secret}"}
    )
    pieces = iter(response.response)
    first = next(pieces)
    assert b"Quiet" in first
    assert b"noon" not in first
    assert (len(rows(OpenCall)), rows(Call)) == (1, [])
    for piece in pieces:
        if b"[DONE]" in piece:
            assert recorded().completion_tokens == COMPLETION
    response.close()
    assert recorded().latency_ms >= GAP * 1000


def test_a_key_is_marked_as_used_and_its_spend_is_there_at_once(curl, mia, upstream):
    key = make_key(mia)
    assert curl(key.secret).post(CHAT, body()).status == 200
    assert reload(key.row).total_spend == recorded().cost
    assert rows(ApiKey)
