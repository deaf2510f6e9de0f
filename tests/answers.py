"""What the tests' upstream says, in the words of each API: whole answers, and streams as their events."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

WORDS = ["Quiet", " foxes", " sleep", " at", " noon", "."]
PROMPT, COMPLETION = 11, len(WORDS)


@dataclass
class Manner:
    """How it answers from now on; plain, it does everything right."""

    status: int = 200
    body: bytes | None = None
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    waits: float = 0.0
    """Seconds before the first byte."""
    hangs_after: int | None = None
    """Pieces of a stream after which it says nothing more."""
    pings_while_hanging: bool = False
    cuts_after: int | None = None
    """Pieces of a stream, or bytes of an answer, after which it hangs up."""
    tells_usage: bool = True
    tokens: int = COMPLETION
    """Of the answer, whatever was asked for."""
    pings: bool = False
    fails_in_stream: str = ""
    drops: int = 0
    """Connections that it ends without a word before it answers one."""
    next: "Manner | None" = None
    """How it answers after this once."""
    meanwhile: Callable[[], object] = lambda: None
    """Called before each piece of a stream, and before an answer that is none."""


def usage(path: str, manner: Manner) -> dict[str, Any]:
    """Tell what was used, in the words of each API."""
    if path.endswith(("/messages", "/responses")):
        used: dict[str, Any] = {"input_tokens": PROMPT, "output_tokens": manner.tokens}
        if path.endswith("/messages"):
            return used | {"cache_read_input_tokens": 4, "cache_creation_input_tokens": 2}
        return used | {
            "total_tokens": PROMPT + manner.tokens,
            "input_tokens_details": {"cached_tokens": 4},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
    used = {"prompt_tokens": PROMPT, "total_tokens": PROMPT}
    if not path.endswith("/embeddings"):
        used |= {"completion_tokens": manner.tokens, "total_tokens": PROMPT + manner.tokens}
    return used | {"prompt_tokens_details": {"cached_tokens": 4}}


def whole(path: str, body: dict[str, Any], manner: Manner) -> dict[str, Any]:
    """Write an answer that is no stream."""
    told = {"usage": usage(path, manner)} if manner.tells_usage else {}
    text, model = "".join(WORDS), body["model"]
    if path.endswith("/chat/completions"):
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return {"id": "c1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]} | told
    if path.endswith("/completions"):
        choice = {"index": 0, "finish_reason": "stop", "text": text, "logprobs": None}
        return {"id": "c1", "object": "text_completion", "created": 1, "model": model, "choices": [choice]} | told
    if path.endswith("/embeddings"):
        vectors = [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}]
        return {"object": "list", "model": model, "data": vectors} | told
    if path.endswith("/responses"):
        return response(model, text) | told
    parts = [{"type": "text", "text": text}]
    head = {"id": "m1", "type": "message", "role": "assistant", "model": model, "content": parts}
    return head | {"stop_reason": "end_turn", "stop_sequence": None} | told


def response(model: str, text: str) -> dict[str, Any]:
    """Write what OpenAI calls a response."""
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"id": "i1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    head = {"id": "r1", "object": "response", "created_at": 1, "status": "completed", "model": model, "error": None}
    rest = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "incomplete_details": None}
    return head | rest | {"output": [message] if text else [], "instructions": None, "metadata": {}}


def pieces(path: str, body: dict[str, Any], manner: Manner) -> list[str]:
    """Write the events of a stream."""
    if path.endswith("/messages"):
        events = pieces_of_message(body["model"], manner)
    elif path.endswith("/responses"):
        events = pieces_of_response(body["model"], manner)
    else:
        events = pieces_of_chat(path, body, manner)
    if manner.pings:
        events[1:1] = [": still thinking\n\n", 'event: ping\ndata: {"type": "ping"}\n\n']
    if manner.fails_in_stream:
        error = {"type": "error", "error": {"type": "overloaded_error", "message": manner.fails_in_stream}}
        events[3:] = [f"event: error\ndata: {json.dumps(error)}\n\n"]
    return events


def pieces_of_chat(path: str, body: dict[str, Any], manner: Manner) -> list[str]:
    """Write those of chat and of completions; the usage only for who asks."""
    wants_usage = (body.get("stream_options") or {}).get("include_usage")
    nothing = {"usage": None} if wants_usage and manner.tells_usage else {}
    events = []
    for word in [*WORDS, None]:
        ends = {"index": 0, "finish_reason": None if word else "stop"}
        said = {"text": word or ""} if not path.endswith("chat/completions") else {"delta": {"content": word or ""}}
        events.append(chunk(body["model"], [ends | said], path) | nothing)
    if nothing:
        events.append(chunk(body["model"], [], path) | {"usage": usage(path, manner)})
    return [f"data: {json.dumps(event)}\n\n" for event in events] + ["data: [DONE]\n\n"]


def chunk(model: str, choices: list[Any], path: str) -> dict[str, Any]:
    """Write one piece."""
    kind = "chat.completion.chunk" if path.endswith("chat/completions") else "text_completion"
    return {"id": "c1", "object": kind, "created": 1, "model": model, "choices": choices}


def pieces_of_response(model: str, manner: Manner) -> list[str]:
    """Write those of a response: the pieces, all of them once more, and the usage at the end."""
    place = {"item_id": "i1", "output_index": 0, "content_index": 0}
    item = response(model, " ")["output"][0]
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": response(model, "")},
        {"type": "response.output_item.added", "output_index": 0, "item": item | {"content": []}},
        {"type": "response.content_part.added", "part": item["content"][0] | {"text": ""}, **place},
    ]
    events += [{"type": "response.output_text.delta", "delta": word, "logprobs": [], **place} for word in WORDS]
    events.append({"type": "response.output_text.done", "text": "".join(WORDS), "logprobs": [], **place})
    told = {"usage": usage("/responses", manner)} if manner.tells_usage else {}
    events.append({"type": "response.completed", "response": response(model, "".join(WORDS)) | told})
    return [
        f"event: {event['type']}\ndata: {json.dumps(event | {'sequence_number': number})}\n\n"
        for number, event in enumerate(events)
    ]


def pieces_of_message(model: str, manner: Manner) -> list[str]:
    """Write those of Anthropic: the prompt's usage in the first, the answer's in the last but one."""
    begun = {"id": "m1", "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": None}
    used = usage("/messages", manner)
    told = {"usage": used | {"output_tokens": 1}} if manner.tells_usage else {"usage": {}}
    ended = {"usage": {"output_tokens": manner.tokens}} if manner.tells_usage else {"usage": {}}
    text = {"type": "text", "text": ""}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": begun | told},
        {"type": "content_block_start", "index": 0, "content_block": text},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}} for word in WORDS),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, **ended},
        {"type": "message_stop"},
    ]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
