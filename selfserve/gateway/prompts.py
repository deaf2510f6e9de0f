"""How many tokens a prompt can be at most, from its body alone: a token of text is at least one byte of it."""

from collections.abc import Iterator
from typing import Any

import orjson

from selfserve.errors import Invalid

IMAGE = 5_000
"""Tokens of an image at most, at the finest detail that the large models look at."""
FILE = 500_000
"""Tokens of a file at most: as many pages as the large models take."""
STORED = 128_000
"""Tokens of what a body only names because it lies at the upstream: a conversation, a prompt, a file."""
BUILT_IN = 1_000
"""Tokens that a model is told beside the body: once for having tools, and for each tool that is the upstream's own."""
_BYTES_OF_SOUND = 100
"""Bytes of base64 for one token of sound, at the poorest quality."""
_IMAGES = ("image", "image_url", "input_image")
_SOUNDS = ("audio", "input_audio")
_FILES = ("file", "input_file", "document", "item_reference")
_DATA = ("url", "data", "file_data")
_OWN_TOOLS = (None, "function", "custom")


def most_tokens(content: dict[str, Any]) -> int:
    """Tell how many tokens the prompt of a body can be at most. Raises Invalid for one that is nested too deep."""
    try:
        length, tokens = len(orjson.dumps(content)), _stored(content) + _of_tools(content)
    except orjson.JSONEncodeError:
        raise Invalid("The body is nested more than 250 levels deep, which is deeper than we pass on.") from None
    for kind, part in _media(content):
        data = sum(map(len, part))
        length -= data
        tokens += _tokens_of(kind, data)
    return length + tokens


def likely_tokens(most: int) -> int:
    """Guess how many tokens a prompt really was, where nobody told: about 4 characters each."""
    return -(-most // 4)


def _tokens_of(kind: str, data: int) -> int:
    """Tell how many tokens an image, a sound or a file can be at most."""
    if kind in _IMAGES:
        return IMAGE
    if kind in _SOUNDS:
        return data // _BYTES_OF_SOUND + _BYTES_OF_SOUND
    return min(data, FILE) if data > STORED // 100 else STORED


def _media(content: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Find what is no text, wherever it stands, with its data or its address. It may lie deep: no recursion."""
    rest: list[Any] = [content]
    while rest:
        thing = rest.pop()
        if isinstance(thing, dict):
            kind = thing.get("type")
            if isinstance(kind, str) and kind in _IMAGES + _SOUNDS + _FILES and not _is_text(thing):
                yield kind, list(_data(thing, kind))
            rest.extend(thing.values())
        elif isinstance(thing, list):
            rest.extend(thing)


def _is_text(part: dict[str, Any]) -> bool:
    """Tell whether a document is written out in the body."""
    source = part.get("source")
    return isinstance(source, dict) and source.get("type") in ("text", "content")


def _data(part: dict[str, Any], kind: str) -> Iterator[str]:
    """Give the data of a part, under the words that upstreams read and no other: the rest counts as text."""
    for word in {kind, "source", "image_url", "file_data", "file_url"}:
        value = part.get(word)
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from (value[name] for name in _DATA if isinstance(value.get(name), str))


def _stored(content: dict[str, Any]) -> int:
    """Count what lies at the upstream."""
    named = (content.get("previous_response_id"), content.get("conversation"), isinstance(content.get("prompt"), dict))
    return STORED * sum(map(bool, named))


def _of_tools(content: dict[str, Any]) -> int:
    """Count what an upstream says to its model about tools."""
    tools = content.get("tools") or content.get("functions")
    if not isinstance(tools, list):
        return 0
    return BUILT_IN * (1 + sum(isinstance(tool, dict) and tool.get("type") not in _OWN_TOOLS for tool in tools))
