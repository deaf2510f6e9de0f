"""What an upstream serves, in its own words; each process asks the one without a list of models once a minute."""

import time
from dataclasses import dataclass
from threading import Lock
from typing import Any

import orjson
import urllib3

from selfserve.errors import UpstreamFailed, UpstreamTimeout
from selfserve.upstreams import Upstream, Upstreams

WAIT_SECONDS = 2
FRESH_SECONDS = 60
AGAIN_SECONDS = 15
"""One that did not answer is asked again sooner."""
MOST_BYTES = 2_000_000
MOST_MODELS = 5_000
_pool = urllib3.PoolManager(maxsize=4, block=False, retries=False)


@dataclass(frozen=True)
class Told:
    """What an upstream said, None if it did not answer, and until when that counts."""

    models: tuple[str, ...] | None
    until: float


_told: dict[str, Told] = {}
_asking = Lock()
"""One question at a time: whoever comes meanwhile waits for its answer."""


def served_models(upstreams: Upstreams) -> tuple[str, ...] | None:
    """Tell what the upstream without a list serves: nothing where there is none, None if it does not say."""
    if upstreams.rest is None:
        return ()
    return (_known(upstreams.rest) or _ask_once(upstreams.rest)).models


def ask_models(upstream: Upstream) -> tuple[str, ...]:
    """Ask an upstream for `GET /models`, for two seconds and two megabytes at most.

    Raises UpstreamFailed, UpstreamTimeout.
    """
    try:
        status, body = _fetch(upstream)
    except urllib3.exceptions.TimeoutError:
        raise UpstreamTimeout(f"{upstream.name} did not answer within {WAIT_SECONDS} seconds.") from None
    except urllib3.exceptions.HTTPError:
        raise UpstreamFailed(f"{upstream.name} cannot be reached.") from None
    if status != 200:
        raise UpstreamFailed(f"{upstream.name} answered {status} when it was asked for its models.")
    try:
        return _read(orjson.loads(body))
    except (orjson.JSONDecodeError, TypeError, KeyError):
        raise UpstreamFailed(f"{upstream.name} answered with something else than a list of models.") from None


def _known(upstream: Upstream) -> Told | None:
    """Give what it said a moment ago."""
    told = _told.get(upstream.base_url)
    return told if told and told.until > time.monotonic() else None


def _ask_once(upstream: Upstream) -> Told:
    """Ask it, unless somebody else just did."""
    with _asking:
        if told := _known(upstream):
            return told
        try:
            told = Told(ask_models(upstream), time.monotonic() + FRESH_SECONDS)
        except (UpstreamFailed, UpstreamTimeout):
            told = Told(None, time.monotonic() + AGAIN_SECONDS)
        _told[upstream.base_url] = told
        return told


def _fetch(upstream: Upstream) -> tuple[int, bytes]:
    """Read the answer, in pieces so that a slow one takes no longer than a silent one."""
    deadline = time.monotonic() + WAIT_SECONDS
    response = _pool.request(
        "GET", f"{upstream.base_url}/models", headers=headers_for(upstream), redirect=False, retries=False,
        timeout=urllib3.Timeout(total=WAIT_SECONDS), preload_content=False,
    )  # fmt: skip
    body = b""
    try:
        while piece := response.read1(65_536):
            body += piece
            if len(body) > MOST_BYTES or time.monotonic() > deadline:
                raise urllib3.exceptions.TimeoutError
    finally:
        response.close()
    return response.status, body


def headers_for(upstream: Upstream) -> dict[str, str]:
    """Show it its key as it wants to see it."""
    if not upstream.api_key:
        return {}
    if upstream.auth == "bearer":
        return {"Authorization": f"Bearer {upstream.api_key}"}
    return {"x-api-key": upstream.api_key, "anthropic-version": "2023-06-01"}


def _read(content: Any) -> tuple[str, ...]:
    """Take the names out of the answer; what no name may be is left out."""
    names = [each["id"] for each in content["data"]]
    plain = {name for name in names if isinstance(name, str) and 0 < len(name) <= 255 and name.isprintable()}
    return tuple(sorted(plain)[:MOST_MODELS])
