"""JSON bodies: read once, strictly, with an error that says where and how to mend it."""

import re
from typing import Any

import orjson
from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from selfserve.errors import BadRequest, Invalid, TooLarge, WrongMediaType

MOST_PARTS = 500_000
"""Lists and objects in a body: millions of empty ones are small to send and large to hold."""
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


def guard_input(application: Any) -> Any:
    """Wrap a WSGI application so that a broken body is no error of ours."""

    def guarded(environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request."""
        environ["wsgi.input"] = GuardedInput(environ["wsgi.input"])
        return application(environ, start_response)

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
