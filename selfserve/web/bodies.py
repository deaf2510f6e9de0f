"""JSON bodies: read once, strictly, with an error that says where and how to mend it."""

import re
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

import orjson
from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wsgi import ClosingIterator, get_content_length

from selfserve.errors import BadRequest, Invalid, TooLarge, TooSlow, WrongMediaType
from selfserve.web.deadlines import deadlines, stop_reading

MOST_PARTS = 500_000
"""Lists and objects in a body: millions of empty ones are small to send and large to hold."""
BODY_SECONDS = 10
"""How long a body may take, and one second more for each BYTES_A_SECOND of it."""
BYTES_A_SECOND = 200_000
CHUNKED_SECONDS = 60
"""The same for a body that does not say how long it is."""
REST_SECONDS = 1
"""How long is read on when the answer is given; gunicorn would wait for longer, and its other connections with it."""
_NO_BODY = (
    "The request has no body. If you copied a curl example with `-D '{...}'`: -D writes headers to a file, "
    "the body goes behind -d. Write -d '{...}' instead."
)
_LOOKED_AT = 20_000
"""Bytes in which a comment is looked for; a regular expression takes a hundred times the memory of what it reads."""


class GuardedInput:
    """A request's body whose breaking off is the sender's fault, not ours: it is answered 400."""

    def __init__(self, stream: Any) -> None:
        """Wrap the server's stream."""
        self.stream = stream

    def read(self, *size: int) -> bytes:
        """Read on, or say that the sender went away or sent nonsense; each server has errors of its own for it."""
        try:
            return bytes(self.stream.read(*size))
        except Exception:
            raise ClientDisconnected from None

    def readline(self, *size: int) -> bytes:
        """Read one line, likewise."""
        try:
            return bytes(self.stream.readline(*size))
        except Exception:
            raise ClientDisconnected from None


class TimedInput:
    """A request's body under gunicorn, which waits for ever: it must come in its time."""

    def __init__(self, stream: Any, line: Any, length: int | None) -> None:
        """Wrap the server's stream, which reads from this connection; its time begins when it is read."""
        self.stream, self.line = stream, line
        self.guarded = GuardedInput(stream)
        self.seconds = CHUNKED_SECONDS if length is None else BODY_SECONDS + length / BYTES_A_SECOND
        self.ends: float | None = None
        self.is_late = False

    def read(self, *size: int) -> bytes:
        """Read on. Raises TooSlow."""
        return self._in_time(self.guarded.read, *size)

    def readline(self, *size: int) -> bytes:
        """Read one line, likewise."""
        return self._in_time(self.guarded.readline, *size)

    def finish(self) -> None:
        """Read what nobody read, for a moment, when the answer is given; else the connection ends."""
        if not self.is_late:
            self.ends = monotonic() + REST_SECONDS
        with suppress(TooSlow, ClientDisconnected):
            while self.read(65_536):
                pass
            return
        self.stream.failed = True  # gunicorn's own word for a connection on which it reads no further request
        stop_reading(self.line)

    def _in_time(self, read: Callable[..., bytes], *size: int) -> bytes:
        """Read until the time is over."""
        self.ends = self.ends or monotonic() + self.seconds
        deadlines.begin(self.line, self.ends - monotonic())
        try:
            data = read(*size)
        finally:
            deadlines.end(self.line)
            self.is_late = monotonic() >= self.ends
            if self.is_late:
                raise TooSlow("The rest of the request did not come in time. Send it again, or send less at once.")
        return data


def guard_input(application: Any) -> Any:
    """Wrap a WSGI application so that a broken or endless body is no error of ours."""

    def guarded(environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request."""
        line = environ.get("gunicorn.socket")
        if line is None:
            environ["wsgi.input"] = GuardedInput(environ["wsgi.input"])
            return application(environ, start_response)
        deadlines.end(line)
        body = environ["wsgi.input"] = TimedInput(environ["wsgi.input"], line, get_content_length(environ))
        return ClosingIterator(application(environ, start_response), body.finish)

    return guarded


def read_json(*, is_optional: bool = False) -> dict[str, Any]:
    """Read the body as a JSON object; an empty one means no fields where it is optional.

    Raises BadRequest (empty, malformed), WrongMediaType, Invalid (not an object). An empty body is looked at first.
    """
    body = request.get_data()
    if request.content_length is None and len(body) == request.max_content_length:
        raise RequestEntityTooLarge  # it came in chunks, and werkzeug stopped reading where we read no more
    if not body.strip():
        if is_optional:
            return {}
        raise BadRequest(_NO_BODY)
    if not request.is_json:
        raise WrongMediaType("Send JSON with the header `Content-Type: application/json`.")
    if body.count(b"{") + body.count(b"[") > MOST_PARTS:
        raise TooLarge(f"The body has more than {MOST_PARTS:,} lists and objects. Send less at once.")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(_malformed(body, error)) from None
    if not isinstance(content, dict):
        raise Invalid('The body must be a JSON object, such as {"user_id": "dana"}.')
    return content


def _malformed(body: bytes, error: orjson.JSONDecodeError) -> str:
    """Say where the JSON breaks and, when a comment breaks it, what the line should be."""
    for number, line in enumerate(body[:_LOOKED_AT].decode("utf-8", "replace").splitlines(), 1):
        if (without := _without_comment(line)) is not None:
            return (
                f"The body is not JSON: line {number} has a comment, and JSON has no comments. "
                f"Remove everything from the # on; write the line as: {without[:200]}"
            )
    where = f"line {error.lineno}, column {error.colno}" if error.lineno else "its beginning"
    return f"The body is not JSON: it breaks at {where}."


def _without_comment(line: str) -> str | None:
    """Give the line as it should be if it ends in a `#` or `//` comment outside of text, else None."""
    match = re.match(r'((?:[^"#/]|/(?!/)|"(?:[^"\\]|\\.)*")*)(#|//)', line)
    return (match[1].strip() or "(nothing)") if match else None
