"""What an answer says that it used is read in the words of each API; nonsense is not believed."""

import pytest

from selfserve.gateway.usage import guessed, read_usage, spoken, with_thoughts
from selfserve.prices import Usage

SAID = {
    "chat": (
        {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}},
        Usage(10, 5, 4),
    ),
    "embeddings": ({"prompt_tokens": 10, "total_tokens": 10}, Usage(10)),
    "responses": (
        {"input_tokens": 10, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 4}},
        Usage(10, 5, 4),
    ),
    "messages": (
        {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 3},
        Usage(17, 5, 4, 3),
    ),
    "both at once": (
        {
            "prompt_tokens": 10_000,
            "completion_tokens": 5,
            "total_tokens": 10_005,
            "cache_read_input_tokens": 9_000,
            "cache_creation_input_tokens": 0,
            "prompt_tokens_details": {"cached_tokens": 9_000},
        },
        Usage(10_000, 5, 9_000),
    ),
    "openai's with the cache in anthropic's words": (
        {"prompt_tokens": 10, "completion_tokens": 5, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 3},
        Usage(10, 5, 4, 3),
    ),
    "more of a cache than of a prompt": (
        {"prompt_tokens": 10, "completion_tokens": 5, "cache_read_input_tokens": 9, "cache_creation_input_tokens": 8},
        Usage(10, 5, 2, 8),
    ),
    "responses with the cache in anthropic's words": (
        {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 4, "input_tokens_details": {}},
        Usage(10, 5, 4),
    ),
    "more than anybody has": (
        {"input_tokens": 10**12, "output_tokens": 10**15, "cache_read_input_tokens": 10**13},
        Usage(10**12, 10**12, 10**12),
    ),
    "messages for an hour": (
        {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 9,
            "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 7},
        },
        Usage(19, 5, 0, 9, 7),
    ),
    "for longer than was written": (
        {"input_tokens": 10, "output_tokens": 5, "cache_creation": {"ephemeral_1h_input_tokens": 7}},
        Usage(10, 5),
    ),
    "thoughts beside": ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40}, Usage(10, 30)),
    "deepseek": ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 4}, Usage(10, 5, 4)),
    "nulls": ({"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": None}, Usage(10, 5)),
    "more cached than sent": (
        {"prompt_tokens": 3, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}},
        Usage(3, 5, 3),
    ),
}


@pytest.mark.parametrize(("told", "usage"), SAID.values(), ids=SAID)
def test_each_api_is_understood(told, usage):
    assert read_usage(told) == usage


NOTHING = [None, [], "10", {}, {"completion_tokens": 5}]
WRONG = [{"prompt_tokens": value} for value in (-1, "10", True, 1.5)]


@pytest.mark.parametrize("told", NOTHING + WRONG)
def test_nonsense_is_not_believed(told):
    assert read_usage(told) is None


def test_a_guess_is_never_less_than_what_was_told():
    assert guessed(None, 400, 40) == Usage(100, 10)
    assert guessed(Usage(7, 1, 2, 3), 400, 40) == Usage(7, 10, 2, 3)
    assert guessed(Usage(7, 99), 400, 40) == Usage(7, 99)


@pytest.mark.parametrize(
    ("seconds", "most", "choices", "tokens"),
    [(30, 2_000, 1, 2_000), (3, 2_000, 2, 600), (3, None, 1, 300), (0.01, 9, 1, 7)],
)
def test_what_was_thought_unseen_is_guessed_by_how_long_it_took_up_to_the_limit(seconds, most, choices, tokens):
    assert with_thoughts(Usage(10, 7), seconds, most, choices) == Usage(10, tokens)


def test_what_is_said_in_many_bytes_is_more_tokens():
    """A character of Chinese is about a token, and one of an emoji more."""
    assert spoken({"content": "\u72d0\u72f8\U0001f98a"}) == 10


def test_what_a_model_said_is_counted_wherever_it_stands():
    assert spoken({"choices": [{"message": {"role": "assistant", "content": "four"}}]}) == 4
    assert spoken({"choices": [{"delta": {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}}]}) == 2
    assert spoken({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "four"}}) == 4
    assert spoken({"type": "response.output_text.delta", "delta": "four"}) == 4
    assert spoken(["nothing", None, 3]) == 0
