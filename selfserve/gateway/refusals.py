"""What an upstream says when it refuses, told to the client without the upstream's key, address or account."""

import math
import re
from typing import Any
from urllib.parse import urlsplit

import orjson

from selfserve.errors import BadRequest, DomainError, Invalid, NotFound, TooLarge, TooMany, UpstreamFailed
from selfserve.gateway.client import Reply
from selfserve.upstreams import Upstream

LONGEST = 500
"""Characters of a message that are passed on."""
READ = 100_000
"""Bytes of a refusal that are looked at."""
MOST_WAIT = 3600
_SAME = {kind.status: kind for kind in (BadRequest, NotFound, TooLarge, Invalid)}
_ACCOUNT = re.compile(r"\b(?:sk|org|proj|acct|key)[-_][\w*.-]{6,}")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b", re.IGNORECASE)
_HIDDEN = "(hidden)"


def refusal(reply: Reply, upstream: Upstream) -> DomainError:
    """Read why an upstream refused, and say it as our own error of the status that fits."""
    try:
        answer = orjson.loads(reply.whole(READ))
    except (orjson.JSONDecodeError, DomainError):
        answer = None
    error = told(answer, reply.status, upstream)
    if (wait := reply.header("retry-after")) and (error.status == TooMany.status or reply.status >= 500):
        error.retry_after = _seconds(wait)
    return error


def told(answer: Any, status: int, upstream: Upstream) -> DomainError:
    """Put what an upstream said in our words. A key of ours that it refused is our trouble, not the client's."""
    words = cleaned(_message(answer), upstream)
    if status in (401, 403):
        return UpstreamFailed(
            "The model's server refused this portal's key. Tell your admin: the upstream's key is wrong."
        )
    if 300 <= status < 400:
        return UpstreamFailed(
            "The model's server points to another address. Tell your admin: redirects are not followed."
        )
    if status == 429:
        return TooMany(f"The model's server is asked too much. {words or 'Wait a moment.'}", retry_after=1)
    if status in _SAME:
        error = _SAME[status](words or "The model's server cannot take this call as it is.", param=_param(answer))
        error.type = _type(answer) or error.type
        return error
    return UpstreamFailed(f"The model's server failed ({status}). {words}".strip())


def cleaned(words: str, upstream: Upstream) -> str:
    """Take out of a message what belongs to the upstream's account, and cut it."""
    host = urlsplit(upstream.base_url).hostname or ""
    for secret in filter(None, (upstream.api_key, upstream.base_url, host)):
        words = re.sub(re.escape(secret), _HIDDEN, words, flags=re.IGNORECASE)
    words = _ACCOUNT.sub(_HIDDEN, _ADDRESS.sub(_HIDDEN, words))
    plain = "".join(each if each.isprintable() else " " for each in words).strip()
    return plain if len(plain) <= LONGEST else plain[:LONGEST].rstrip() + " ..."


def refusal_in(event: Any) -> Any:
    """Find in an event of a stream what says that it failed: the event, or the answer in it; else None."""
    if not isinstance(event, dict):
        return None
    inner = event.get("response")
    if isinstance(inner, dict) and inner.get("error"):
        return inner
    return event if event.get("error") or event.get("type") == "error" else None


def is_refusal(answer: Any) -> bool:
    """Tell whether what came with a status of success says that it failed."""
    if not isinstance(answer, dict) or not answer.get("error"):
        return False
    return answer.get("type") == "error" or not answer.keys() & {"choices", "data", "output", "content", "response"}


def _message(answer: Any) -> str:
    """Find the sentence in a refusal: OpenAI's, Anthropic's and those of the usual servers."""
    if isinstance(answer, list):
        answer = answer[0] if answer else None
    if not isinstance(answer, dict):
        return ""
    inner = answer.get("error")
    for words in (
        inner.get("message") if isinstance(inner, dict) else inner,
        answer.get("message"),
        answer.get("detail"),
    ):
        if isinstance(words, str) and words:
            return words
    return ""


def _param(answer: Any) -> str | None:
    """Find which field it is about."""
    return _word(answer, "param", r"[\w.\[\]-]{1,100}")


def _type(answer: Any) -> str | None:
    """Find the word for what went wrong that programs look for, such as `context_length_exceeded`."""
    return _word(answer, "code", r"[a-z_]{3,60}") or _word(answer, "type", r"[a-z_]{3,60}")


def _word(answer: Any, name: str, form: str) -> str | None:
    """Read a word of a refusal if it is one."""
    error = answer.get("error") if isinstance(answer, dict) else None
    word = error.get(name) if isinstance(error, dict) else None
    return word if isinstance(word, str) and re.fullmatch(form, word) else None


def _seconds(header: str) -> int:
    """Read `Retry-After` in seconds; a date is not looked at: a second will do."""
    try:
        return min(max(math.ceil(float(header)), 1), MOST_WAIT)
    except (ValueError, OverflowError):
        return 1
