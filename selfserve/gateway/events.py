"""Server-sent events: a stream of bytes cut into whole events, and what one of them holds."""

import re
from typing import Any

import orjson

from selfserve.errors import UpstreamFailed

LONGEST = 32_000_000
"""Bytes of one event at most: an image in a stream is a few million."""
DONE = "[DONE]"
"""What the last event of OpenAI's older APIs holds instead of JSON."""
_END = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")


class Cutter:
    """Cuts what comes in where events end, byte for byte: what it gives put together is what it got."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.begun = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take some bytes and give the events that are whole now. Raises UpstreamFailed at one without an end."""
        events: list[bytes] = []
        start, searched = 0, max(len(self.begun) - 3, 0)
        self.begun += data
        while end := _END.search(self.begun, max(start, searched)):
            events.append(bytes(self.begun[start : end.end()]))
            start = end.end()
        del self.begun[:start]
        if len(self.begun) > LONGEST:
            raise UpstreamFailed("The model's server sent an event without an end.")
        return events


def read_event(event: bytes) -> Any:
    """Give what the data of an event says: `[DONE]`, JSON, or None for a comment and for what is neither."""
    lines = [line.removeprefix(b"data:").strip() for line in event.splitlines() if line.startswith(b"data:")]
    if lines == [DONE.encode()]:
        return DONE
    try:
        return orjson.loads(b"\n".join(lines))
    except orjson.JSONDecodeError:
        return None


def write_event(data: dict[str, Any], name: str = "") -> bytes:
    """Write an event of our own."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + orjson.dumps(data) + b"\n\n"
