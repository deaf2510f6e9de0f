"""What an answer says that it used, in the words of each API, and a guess where it says nothing."""

from dataclasses import replace
from typing import Any

from selfserve.gateway.prompts import likely_tokens
from selfserve.prices import Usage

MOST = 10**12
"""More tokens than any call has: an upstream that tells more is heard as if it had told so many."""
PACE = 100
"""Tokens a second that a model may think."""
_SPOKEN = ("content", "text", "arguments", "partial_json", "thinking", "reasoning_content", "refusal", "delta")


def read_usage(told: Any) -> Usage | None:
    """Read the `usage` of an answer, None where it has none that makes sense.

    OpenAI's prompt tokens hold those of a cache, whoever says so; Anthropic's input tokens do not. Some upstreams count
    what a model thought only in the total.
    """
    if not isinstance(told, dict):
        return None
    prompt = _count(told, "prompt_tokens", "input_tokens")
    if prompt is None:
        return None
    read, written = _cached(told), _written(told)
    if _is_beside(told):
        prompt = min(prompt + read + written, MOST)
    completion, total = _count(told, "completion_tokens", "output_tokens") or 0, _count(told, "total_tokens") or 0
    written = min(written, prompt)
    kept = min(_written_for_an_hour(told), written)
    return Usage(prompt, max(completion, total - prompt), min(read, prompt - written), written, kept)


def guessed(told: Usage | None, most_prompt_tokens: int, length: int) -> Usage:
    """Guess what was used from how many bytes came through, at least as much as was told."""
    told = told or Usage(likely_tokens(most_prompt_tokens))
    return replace(told, completion_tokens=max(told.completion_tokens, likely_tokens(length)))


def with_thoughts(usage: Usage, seconds: float, most: int | None, choices: int) -> Usage:
    """Guess what was used by answers that broke off after they were thought about unseen, each up to its limit."""
    each = min(int(seconds * PACE), MOST if most is None else most)
    return replace(usage, completion_tokens=max(usage.completion_tokens, min(each * choices, MOST)))


def spoken(answer: Any) -> int:
    """Count the bytes that a model said in an answer or in a piece of one. It may lie deep: no recursion."""
    length, rest = 0, [answer]
    while rest:
        thing = rest.pop()
        if isinstance(thing, dict):
            said = (thing.get(word) for word in _SPOKEN)
            length += sum(len(text.encode()) for text in said if isinstance(text, str))
            rest.extend(thing.values())
        elif isinstance(thing, list):
            rest.extend(thing)
    return length


def _is_beside(told: dict[str, Any]) -> bool:
    """Tell whether the tokens of a cache stand beside those of the prompt, as at Anthropic, and not among them."""
    return _count(told, "prompt_tokens") is None and not isinstance(told.get("input_tokens_details"), dict)


def _details(told: dict[str, Any]) -> dict[str, Any]:
    """Give what OpenAI's APIs say of a prompt."""
    found = (told.get(name) for name in ("prompt_tokens_details", "input_tokens_details"))
    return next((details for details in found if isinstance(details, dict)), {})


def _cached(told: dict[str, Any]) -> int:
    """Read how many tokens of the prompt came from a cache."""
    among = _count(_details(told), "cached_tokens")
    return _count(told, "cache_read_input_tokens", "prompt_cache_hit_tokens") or 0 if among is None else among


def _written(told: dict[str, Any]) -> int:
    """Read how many were written to one."""
    names = ("cache_creation_input_tokens", "cache_creation_tokens", "cache_write_tokens")
    return _count(told | _details(told), *names) or 0


def _written_for_an_hour(told: dict[str, Any]) -> int:
    """Read how many of those stay there for an hour."""
    for found in (told.get("cache_creation"), _details(told).get("cache_creation_token_details")):
        if isinstance(found, dict):
            return _count(found, "ephemeral_1h_input_tokens") or 0
    return 0


def _count(told: dict[str, Any], *names: str) -> int | None:
    """Read a number of tokens under the first of these names that has one."""
    for name in names:
        value = told.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return min(value, MOST)
    return None
