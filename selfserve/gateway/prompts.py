"""How many tokens a prompt can be at most, from its body alone: a token of text is at least one byte of it.

What is no text counts by fixed numbers. Its data does not count as text where upstreams look for parts, in parts that
are known: what looks like an image anywhere else is told to the model as it stands.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from selfserve.errors import Invalid

IMAGE = 50_000
"""Tokens of an image at most: eight tiles, for the model that counts them dearest."""
FILE = 500_000
"""Tokens of a file at most, however few its bytes are: as many pages as the large models take."""
STORED = 1_000_000
"""Tokens of what a body only names because it lies at the upstream: a conversation, a prompt."""
BUILT_IN = 1_000
"""Tokens that a model is told beside the body: once for having tools, and for each that it knows by name."""
_IMAGES = ("image", "image_url", "input_image", "computer_screenshot", "image_generation_call")
_FILES = ("file", "input_file", "document")
_TEXT = re.compile(
    r"(\w+_)?text|logs|refusal|message|(redacted_)?thinking|reasoning|compaction"
    r"|(\w+_)?tool_(use|call|reference)|\w+_(call|call_output|result)"
)
"""The types of parts that say all they are in words; what a dot or a version makes of them is another type."""
_MEDIA = ("image_url", "image", "images", "video_url", "video", "videos", "file", "file_id", "file_url", "file_data")
_SOUNDS = ("input_audio", "audio_url", "audio")
_DATA = ("url", "data", "file_data")
_FETCHING = (
    *("mcp_servers", "container", "web_search_options", "plugins"),
    *("search_parameters", "data_sources", "enable_search"),
)
"""Words that let an upstream fetch more for its model than a body says."""
_RUN_BY_CLIENTS = re.compile(r"local_shell|apply_patch|(computer|text_editor|bash|memory)(_\w+)?")
_ANSWERS = 10
"""How many times the prompt's price a token of the answer costs, at those models that take a guess of it."""
_AN_HOUR = b'"1h"'
_PICTURE = re.compile(r"data:image/|(?!data:)")
_PDF = re.compile(r"(data:application/pdf;base64,)?JVBERi0")


def most_tokens(content: dict[str, Any]) -> int:
    """Tell how many tokens a prompt can be at most; one that is to stay in a cache for an hour is paid twice.

    Raises Invalid for one that is nested too deep, and for sound, whose tokens cost a multiple of what the list says.
    """
    try:
        written = orjson.dumps(content)
    except orjson.JSONEncodeError:
        raise Invalid("The body is nested more than 250 levels deep, which is deeper than we pass on.") from None
    parts = list(_parts(content))
    if any(map(_is_sound, parts)):
        where = "messages" if "messages" in content else "input"
        raise Invalid("Sound is not passed on: this portal does not know what it costs. Send words.", param=where)
    data = {id(text): len(text) for part in parts for text in _data(part)}
    text = max(len(written) - sum(data.values()), 0)
    most = text + sum(map(_tokens_of, parts)) + _stored(content) + _of_tools(content) + _predicted(content)
    return most * 2 if _AN_HOUR in written else most


def likely_tokens(most: int) -> int:
    """Guess how many tokens a prompt really was, where nobody told: about 4 characters each."""
    return -(-most // 4)


def _parts(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Find the messages and the parts in them. They may lie deep: no recursion."""
    rest = [content.get(name) for name in ("messages", "input", "system")]
    while rest:
        thing = rest.pop()
        if isinstance(thing, list):
            rest.extend(thing)
        elif isinstance(thing, dict):
            yield thing
            rest.extend(_inside(thing))


def _inside(part: dict[str, Any]) -> list[Any]:
    """Give what may hold further parts."""
    if _is_written_out(part):
        return [part["source"].get("content")]
    if part.get("type") in _IMAGES + _FILES:
        return []
    return [part.get(name) for name in ("content", "output", "outputs")]


def _tokens_of(part: dict[str, Any]) -> int:
    """Tell how many tokens a part can be at most beside its text; what nobody knows may be as much as a file."""
    kind = part.get("type")
    if kind in _IMAGES:
        return IMAGE
    if _is_written_out(part):
        return 0
    is_name = kind is None and "id" in part and not part.get("role")  # of what lies at the upstream, however long
    is_text = (kind is None and not is_name) or (isinstance(kind, str) and _TEXT.fullmatch(kind))
    return 0 if is_text and not any(map(part.get, _MEDIA)) else FILE


def _is_sound(part: dict[str, Any]) -> bool:
    """Tell whether a part is heard."""
    return part.get("type") in _SOUNDS or any(map(part.get, _SOUNDS))


def _is_written_out(part: dict[str, Any]) -> bool:
    """Tell whether a document is text in the body."""
    source = part.get("source")
    return part.get("type") == "document" and isinstance(source, dict) and source.get("type") in ("text", "content")


def _data(part: dict[str, Any]) -> Iterator[str]:
    """Give the data of a part, under the words that upstreams read: of an image, and of a file that is no text."""
    kind = part.get("type")
    if kind not in _IMAGES + _FILES or _is_written_out(part):
        return
    for word in (kind, "source", "image_url", "file_data", "result"):
        value = part.get(word)
        named = [value.get(name) for name in _DATA] if isinstance(value, dict) else [value]
        yield from (text for text in named if isinstance(text, str) and _is_data(text, kind))


def _is_data(text: str, kind: str) -> bool:
    """Tell whether something is the bytes of an image or a PDF, as far as a glance tells; other files may be text."""
    known = _PICTURE if kind in _IMAGES else _PDF
    return text.isascii() and " " not in text and known.match(text) is not None


def _stored(content: dict[str, Any]) -> int:
    """Count what lies at the upstream, and what it fetches from elsewhere."""
    named = (content.get("previous_response_id"), content.get("conversation"), isinstance(content.get("prompt"), dict))
    fetched = (content.get(word) not in (None, False, []) for word in _FETCHING)
    return STORED * sum(map(bool, named)) + FILE * sum(fetched)


def _of_tools(content: dict[str, Any]) -> int:
    """Count what an upstream says to its model about tools, and what those bring that are its own."""
    told = [content.get(name) for name in ("tools", "functions") if content.get(name)]
    tools = [tool for each in told for tool in (each if isinstance(each, list) else [each])]
    return bool(tools) * BUILT_IN + sum(map(_of_tool, tools))


def _of_tool(tool: Any) -> int:
    """Count what one brings: one that the client runs is only described, any other may bring as much as a file."""
    kind = tool.get("type", "function" if "name" in tool else "") if isinstance(tool, dict) else ""
    if kind in ("function", "custom"):
        return 0
    return BUILT_IN if _RUN_BY_CLIENTS.fullmatch(str(kind)) else FILE


def _predicted(content: dict[str, Any]) -> int:
    """Count a guess of the answer: what is wrong in it is paid as more of the answer, at a multiple of the prompt."""
    guess = content.get("prediction")
    return len(orjson.dumps(guess)) * _ANSWERS if guess else 0
