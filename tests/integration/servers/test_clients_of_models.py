"""The clients that people use, OpenAI's and Anthropic's, at a server that really runs: whole, async and streamed."""

import asyncio

import pytest

from tests.answers import COMPLETION, PROMPT, WORDS
from tests.application import MASTER_KEY
from tests.clients import Curl, OverHttp
from tests.upstream import KEY, upstream

MODEL = "gpt-4o-mini"
HELLO = [{"role": "user", "content": "When do quiet foxes sleep?"}]
SAID = "".join(WORDS)


@pytest.fixture
def there(serve):
    """A running server, the upstream behind it, and Dana's key."""
    with upstream() as behind, serve(UPSTREAM_BASE_URL=behind.url, UPSTREAM_API_KEY=KEY) as server:
        made = Curl(OverHttp(server.url), MASTER_KEY).post("/user/new", {"user_id": "dana"}, reveals=True)
        yield server, behind, made.json["key"]


def spent(server, key):
    """The calls as they are recorded, the first one first: status, tokens in and out."""
    logs = Curl(OverHttp(server.url), key).get("/spend/logs", summarize="false").json
    return [(log["metadata"]["http_status"], log["prompt_tokens"], log["completion_tokens"]) for log in reversed(logs)]


def test_openais_client_calls_each_of_its_apis_and_streams(there):
    import openai

    server, _behind, key = there
    with openai.OpenAI(api_key=key, base_url=f"{server.url}/v1", max_retries=0) as client:
        chat = client.chat.completions.create(model=MODEL, messages=HELLO)
        assert (chat.choices[0].message.content, chat.usage.total_tokens) == (SAID, PROMPT + COMPLETION)
        assert client.completions.create(model=MODEL, prompt="x").choices[0].text == SAID
        vectors = client.embeddings.create(model=MODEL, input=["x"], encoding_format="float")
        assert vectors.data[0].embedding == [0.25, -0.5]
        assert client.responses.create(model=MODEL, input="x").output_text == SAID

        pieces = list(client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))
        assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == SAID
        asked = {"include_usage": True}
        *_, last = client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, stream_options=asked)
        assert last.usage.completion_tokens == COMPLETION
        pieces = list(client.completions.create(model=MODEL, prompt="x", stream=True))
        assert "".join(piece.choices[0].text for piece in pieces) == SAID
        with client.responses.stream(model=MODEL, input="x") as stream:
            assert "".join(event.delta for event in stream if event.type == "response.output_text.delta") == SAID
            assert stream.get_final_response().usage.output_tokens == COMPLETION
    assert spent(server, key) == [(200, PROMPT, 0 if number == 2 else COMPLETION) for number in range(8)]


def test_anthropics_client_calls_and_streams_with_its_own_header(there):
    import anthropic

    server, behind, key = there
    asked = {"model": MODEL, "messages": HELLO, "max_tokens": 100}
    with anthropic.Anthropic(api_key=key, base_url=server.url, max_retries=0) as client:
        assert client.messages.create(**asked).content[0].text == SAID
        with client.messages.stream(**asked) as stream:
            assert "".join(stream.text_stream) == SAID
            assert stream.get_final_message().usage.output_tokens == COMPLETION
        pieces = [event.type for event in client.messages.create(**asked, stream=True)]
        assert pieces[-1] == "message_stop"
        assert "x-api-key" not in behind.last.headers
        with pytest.raises(anthropic.AuthenticationError):
            client.with_options(api_key="sk-nobody-at-all-0123456789").messages.create(**asked)
    assert spent(server, key) == [(200, PROMPT + 6, COMPLETION)] * 3


def test_both_clients_work_asynchronously_many_at_once(there):
    import anthropic
    import openai

    server, _behind, key = there

    async def chat(client):
        chat = await client.chat.completions.create(model=MODEL, messages=HELLO)
        return chat.choices[0].message.content

    async def chat_in_pieces(client):
        stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        return "".join([piece.choices[0].delta.content or "" async for piece in stream])

    async def message_in_pieces(client):
        async with client.messages.stream(model=MODEL, messages=HELLO, max_tokens=100) as stream:
            return "".join([text async for text in stream.text_stream])

    async def all_at_once():
        ours = {"api_key": key, "max_retries": 2}
        async with (
            openai.AsyncOpenAI(base_url=f"{server.url}/v1", **ours) as one,
            anthropic.AsyncAnthropic(base_url=server.url, **ours) as other,
        ):
            calls = [call for _ in range(3) for call in (chat(one), chat_in_pieces(one), message_in_pieces(other))]
            return await asyncio.gather(*calls)

    assert asyncio.run(all_at_once()) == [SAID] * 9
    assert len(spent(server, key)) == 9


def test_their_errors_are_the_ones_that_programs_catch(there):
    import anthropic
    import openai

    server, behind, key = there
    client = openai.OpenAI(api_key=key, base_url=f"{server.url}/v1", max_retries=0)
    other = anthropic.Anthropic(api_key=key, base_url=server.url, max_retries=0)
    with client, other:
        for status, kind in ((400, "BadRequestError"), (404, "NotFoundError"), (422, "UnprocessableEntityError"),
                             (429, "RateLimitError"), (500, "InternalServerError")):  # fmt: skip
            behind.be(
                status=status, body=b'{"error": {"message": "Not like this.", "code": "context_length_exceeded"}}'
            )
            with pytest.raises(getattr(openai, kind), match="Not like this") as refused:
                client.chat.completions.create(model=MODEL, messages=HELLO)
            if status == 400:
                assert refused.value.type == "context_length_exceeded"
            with pytest.raises(getattr(anthropic, kind), match="Not like this"):
                other.messages.create(model=MODEL, messages=HELLO, max_tokens=9)
        behind.be(fails_in_stream="Overloaded right now.")
        with pytest.raises(openai.APIError, match="Overloaded"):
            list(client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))
        with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
            list(other.messages.create(model=MODEL, messages=HELLO, max_tokens=9, stream=True))
        behind.be(cuts_after=3)
        with pytest.raises(openai.APIError, match="ended the connection"):
            list(client.responses.create(model=MODEL, input="x", stream=True))


def test_a_slow_down_of_the_upstream_is_waited_for_by_the_client_itself(there):
    import openai

    server, behind, key = there
    behind.be(status=429, headers={"Retry-After": "1"}, body=b'{"error": {"message": "That is too fast."}}')
    with openai.OpenAI(api_key=key, base_url=f"{server.url}/v1", max_retries=1) as client:
        behind.soon(status=200)
        assert client.chat.completions.create(model=MODEL, messages=HELLO).choices[0].message.content == SAID
    assert [status for status, *_ in spent(server, key)] == [429, 200]
