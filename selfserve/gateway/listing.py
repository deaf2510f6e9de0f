"""What an upstream serves, in its own words; each process asks the one without a list of models once a minute."""

from dataclasses import dataclass
from threading import Lock
from time import monotonic

import orjson

from selfserve.errors import UpstreamFailed, UpstreamTimeout
from selfserve.gateway.client import Patience, get, shown_key
from selfserve.upstreams import Upstream, Upstreams

PATIENCE = Patience(first_byte=2, idle=2, whole=2)
FRESH_SECONDS = 60
AGAIN_SECONDS = 15
"""One that did not answer is asked again sooner."""
MOST_BYTES = 2_000_000
MOST_MODELS = 5_000


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


def _known(upstream: Upstream) -> Told | None:
    """Give what it said a moment ago."""
    told = _told.get(upstream.base_url)
    return told if told and told.until > monotonic() else None


def _ask_once(upstream: Upstream) -> Told:
    """Ask it, unless somebody else just did; whatever goes wrong is no answer."""
    with _asking:
        if told := _known(upstream):
            return told
        try:
            told = Told(_ask(upstream), monotonic() + FRESH_SECONDS)
        except (UpstreamFailed, UpstreamTimeout, orjson.JSONDecodeError, TypeError, KeyError):
            told = Told(None, monotonic() + AGAIN_SECONDS)
        _told[upstream.base_url] = told
        return told


def _ask(upstream: Upstream) -> tuple[str, ...]:
    """Ask for `GET /models` and read the names; what no name may be is left out. Raises UpstreamFailed and more."""
    reply = get(f"{upstream.base_url}/models", shown_key(upstream), PATIENCE)
    try:
        if reply.status != 200:
            raise UpstreamFailed(f"The model's server answered {reply.status} when it was asked for its models.")
        names = [each["id"] for each in orjson.loads(reply.whole(MOST_BYTES))["data"]]
    finally:
        reply.close()
    plain = {name for name in names if isinstance(name, str) and 0 < len(name) <= 255 and name.isprintable()}
    return tuple(sorted(plain)[:MOST_MODELS])
