"""What a body says it may cost, what is changed in it, and what the events of each API mean."""

import pytest

from selfserve.errors import BudgetExceeded, UpstreamFailed
from selfserve.gateway.dialects import CHAT, COMPLETIONS, EMBEDDINGS, MESSAGES, RESPONSES
from selfserve.gateway.events import DONE, read_event
from selfserve.schemas.model_calls import ChatCall, CompletionCall, EmbeddingCall, MessageCall, ResponseCall

SCHEMAS = {
    CHAT: ChatCall,
    COMPLETIONS: CompletionCall,
    EMBEDDINGS: EmbeddingCall,
    RESPONSES: ResponseCall,
    MESSAGES: MessageCall,
}


def ask(dialect, **content):
    content = {"model": "m", "messages": [], "prompt": "x", "input": "x"} | content
    return dialect.ask(SCHEMAS[dialect].model_validate(content), content)


ASKS = [
    (CHAT, {}, None, 1),
    (CHAT, {"max_tokens": 50, "n": 3}, 50, 3),
    (CHAT, {"max_tokens": 50, "max_completion_tokens": 70}, 70, 1),
    (COMPLETIONS, {"max_tokens": 50, "n": 2, "best_of": 5}, 50, 5),
    (COMPLETIONS, {"prompt": ["a", "b", "c"], "n": 2}, None, 6),
    (COMPLETIONS, {"prompt": [[1, 2], [3]]}, None, 2),
    (COMPLETIONS, {"prompt": [1, 2, 3]}, None, 1),
    (RESPONSES, {"max_output_tokens": 90}, 90, 1),
    (MESSAGES, {"max_tokens": 64}, 64, 1),
]


@pytest.mark.parametrize(("dialect", "content", "most", "choices"), ASKS)
def test_a_body_says_how_long_and_how_many_its_answers_may_be(dialect, content, most, choices):
    told = ask(dialect, **content)
    assert (told.model, told.max_tokens, told.choices, told.has_output) == ("m", most, choices, True)


def test_embeddings_have_no_answer_in_words():
    assert ask(EMBEDDINGS).has_output is False


@pytest.mark.parametrize("value", [0, 129, -1, 1.5, "3", True])
def test_a_number_of_answers_that_an_upstream_might_read_otherwise_is_refused(value):
    with pytest.raises(ValueError, match="n\n"):
        ChatCall.model_validate({"model": "m", "messages": [], "n": value})


CHANGES = [
    (CHAT, {"model": "m"}, "m", None, {}),
    (CHAT, {"model": "m"}, "real", None, {"model": "real"}),
    (CHAT, {"model": "m", "max_tokens": 900}, "m", 20, {"max_tokens": 20}),
    (CHAT, {"model": "m", "max_completion_tokens": 900}, "m", 20, {"max_completion_tokens": 20}),
    (CHAT, {"model": "m"}, "m", 20, {"max_tokens": 20}),
    (CHAT, {"model": "m", "max_tokens": None}, "m", 20, {"max_tokens": 20}),
    (CHAT, {"model": "m"}, "gpt-5-mini", 20, {"model": "gpt-5-mini", "max_completion_tokens": 20}),
    (CHAT, {"model": "m"}, "openai/o3", 20, {"model": "openai/o3", "max_completion_tokens": 20}),
    (CHAT, {"model": "m"}, "gpt-4o", 20, {"model": "gpt-4o", "max_tokens": 20}),
    (CHAT, {"model": "m", "stream": True}, "m", None, {"stream_options": {"include_usage": True}}),
    (CHAT, {"model": "m", "stream": True, "stream_options": {"include_usage": True}}, "m", None, {}),
    (
        CHAT,
        {"model": "m", "stream": True, "stream_options": {"include_usage": False, "x": 1}},
        "m",
        None,
        {"stream_options": {"include_usage": True, "x": 1}},
    ),
    (
        COMPLETIONS,
        {"model": "m", "stream": True},
        "m",
        20,
        {"max_tokens": 20, "stream_options": {"include_usage": True}},
    ),
    (RESPONSES, {"model": "m", "stream": True}, "m", 20, {"max_output_tokens": 20}),
    (MESSAGES, {"model": "m", "stream": True, "max_tokens": 50}, "m", 20, {"max_tokens": 20}),
    (EMBEDDINGS, {"model": "m", "stream": True}, "m", None, {}),
]


@pytest.mark.parametrize(("dialect", "content", "model", "most", "changes"), CHANGES)
def test_only_what_must_change_changes(dialect, content, model, most, changes):
    assert dialect.changed(content, model, most) == changes


@pytest.mark.parametrize("dialect", [MESSAGES, CHAT])
def test_a_limit_that_leaves_no_room_for_the_thoughts_asked_for_is_too_little_money(dialect):
    content = {"model": "m", "max_tokens": 9_000, "thinking": {"type": "enabled", "budget_tokens": 2_000}}
    assert dialect.changed(content, "m", 2_001) == {"max_tokens": 2_001}
    with pytest.raises(
        BudgetExceeded, match=r"pays an answer of 2,000 tokens, and thinking\.budget_tokens asks for 2,000"
    ):
        dialect.changed(content, "m", 2_000)


def test_each_api_knows_its_end():
    assert CHAT.is_end(DONE)
    assert RESPONSES.is_end({"type": "response.completed"})
    assert MESSAGES.is_end({"type": "message_stop"})
    assert not any(dialect.is_end({"type": "ping"}) for dialect in SCHEMAS)


def test_each_api_is_told_of_a_failure_in_its_own_words():
    failed = UpstreamFailed("It broke.")
    for dialect in SCHEMAS:
        said = read_event(dialect.failure(failed))
        assert said["error"] == failed.envelope
    assert MESSAGES.failure(failed).startswith(b"event: error\n")
    assert read_event(RESPONSES.failure(failed))["message"] == "It broke."
