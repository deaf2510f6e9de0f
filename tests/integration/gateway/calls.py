"""Calls to models for the tests: a body for each API, and what was recorded of them."""

import json

from selfserve.models import Call, OpenCall
from tests.factories import rows

MODEL = "gpt-4o-mini"
"""0.15 dollars a million tokens of the prompt, 0.075 of those from a cache, 0.60 of the answer."""
BODIES = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "When do quiet foxes sleep?"}]},
    "/v1/completions": {"prompt": "Quiet foxes"},
    "/v1/embeddings": {"input": ["quiet", "foxes"]},
    "/v1/responses": {"input": "When do quiet foxes sleep?"},
    "/v1/messages": {"messages": [{"role": "user", "content": "When?"}], "max_tokens": 100},
}
STREAMED = [path for path in BODIES if path != "/v1/embeddings"]
CHAT = "/v1/chat/completions"


def body(path=CHAT, **more):
    """Write a body that is right."""
    return {"model": MODEL} | BODIES[path] | more


def recorded():
    """Give the one call that was recorded, and see that none is left open."""
    assert rows(OpenCall) == []
    (call,) = rows(Call)
    return call


def events_of(answer):
    """Read the events of a stream."""
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]
