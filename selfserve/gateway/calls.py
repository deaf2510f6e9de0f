"""A call that was let in, on its way to its upstream and back: sent, answered, and settled before the answer leaves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import orjson

from selfserve.calls import Admission, Ask, Outcome
from selfserve.clock import now
from selfserve.errors import BudgetExceeded, DomainError, UpstreamFailed, UpstreamTimeout
from selfserve.gateway.client import Lost, Patience, Reply, post, shown_key
from selfserve.gateway.dialects import OPENAI_THINKS, Dialect
from selfserve.gateway.refusals import is_refusal, refusal, told
from selfserve.gateway.streams import Heard, Settlement, Stream, without_key
from selfserve.gateway.usage import guessed, with_thoughts
from selfserve.schemas.model_calls import ModelCall
from selfserve.upstreams import Upstream

PASSED_ON = ("accept", "anthropic-version", "anthropic-beta", "openai-beta")
"""Headers of a client that reach the upstream; its cookies and its key are not among them (S-35)."""
EVENTS, JSON = "text/event-stream", "application/json"


@dataclass(frozen=True)
class Passing:
    """A call to a model as it came: which API, and what its body says."""

    dialect: Dialect
    command: ModelCall
    content: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the client, their names in small letters."""

    @cached_property
    def ask(self) -> Ask:
        """What it asks for."""
        return self.dialect.ask(self.command, self.content)

    def body_for(self, admission: Admission) -> bytes:
        """Give the body that the upstream gets, written anew: no name stands in it twice, so we all read the same."""
        changes = self.dialect.changed(self.content, admission.route.upstream_model, admission.max_tokens)
        return orjson.dumps(self.content | changes)

    def headers_for(self, upstream: Upstream) -> dict[str, str]:
        """Give the headers that the upstream gets, with our key for it."""
        kept = {name: self.headers[name] for name in PASSED_ON if self.headers.get(name)}
        kept |= {"content-type": JSON, "accept-encoding": "identity", "user-agent": "selfserve"}
        return shown_key(upstream) | kept


@dataclass(frozen=True)
class Whole:
    """An answer that is no stream; `cost` is in nano-dollars, None where nobody knows it."""

    body: bytes
    cost: int | None


def send(
    passing: Passing, admission: Admission, patience: Patience, settle: Callable[[Outcome], int | None]
) -> Whole | Stream:
    """Send a call on. A whole answer is settled when this returns, a stream at its end or when it is closed.

    Raises UpstreamFailed, UpstreamTimeout, what the upstream refused, and BudgetExceeded where too little is left to
    think as asked; that is settled too.
    """
    settlement = Settlement(lambda outcome: settle(_with_thoughts(passing, admission, outcome)))
    upstream = admission.route.upstream
    try:
        address = upstream.base_url + passing.dialect.path
        reply = post(address, passing.body_for(admission), passing.headers_for(upstream), patience)
        return _answer(passing, reply, upstream, settlement)
    except BudgetExceeded as error:
        settlement(Outcome(error.status))
        raise
    except (UpstreamTimeout, Lost) as error:
        settlement(_guess(passing, error))
        raise
    except BaseException:
        settlement(Outcome(UpstreamFailed.status))
        raise


def _answer(passing: Passing, reply: Reply, upstream: Upstream, settlement: Settlement) -> Whole | Stream:
    """Take the answer in, or begin to pass it on. Raises what the upstream refused."""
    if reply.status >= 300:
        error = refusal(reply, upstream)
        reply.close()
        settlement(Outcome(reply.status))
        raise error
    if reply.kind != EVENTS:
        return _whole(passing, reply, upstream, settlement)
    hides_usage = passing.dialect.hides_usage(passing.content)
    return Stream(reply, Heard(passing.dialect, passing.ask), upstream, settlement, hides_usage=hides_usage)


def _whole(passing: Passing, reply: Reply, upstream: Upstream, settlement: Settlement) -> Whole:
    """Take in an answer that is no stream, and settle it. What it cost is guessed where it cannot be read."""
    try:
        body = reply.whole()
        answer = _read(body)
    except DomainError as error:
        settlement(_guess(passing, error, reply.received))
        raise
    if is_refusal(answer):
        raise told(answer, UpstreamFailed.status, upstream)
    heard = Heard(passing.dialect, passing.ask, is_whole=True)
    heard.hear(answer)
    return Whole(without_key(body, upstream), settlement(heard.outcome(reply.status)))


def _read(body: bytes) -> dict[str, Any]:
    """Read an answer, which every API writes as an object. Raises UpstreamFailed for anything else."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        raise UpstreamFailed("The model's server answered something that is no answer of a model.")
    return answer


def _with_thoughts(passing: Passing, admission: Admission, outcome: Outcome) -> Outcome:
    """Count what a model may have thought unseen before its answer broke off: else it costs nothing to leave."""
    price, ask = admission.price, passing.ask
    thinks = (price and price.thinks) or OPENAI_THINKS.match(admission.route.upstream_model)
    if not outcome.is_estimated or outcome.usage is None or outcome.status < 300 or not (thinks and ask.has_output):
        return outcome
    most = admission.max_tokens or ask.max_tokens or (price.most_completion_tokens if price else None)
    seconds = (now() - admission.started_at).total_seconds()
    return replace(outcome, usage=with_thoughts(outcome.usage, seconds, most, ask.choices))


def _guess(passing: Passing, error: DomainError, received: int = 0) -> Outcome:
    """Say what may have been used by a call whose answer did not come whole."""
    return Outcome(error.status, guessed(None, passing.ask.prompt_tokens, received), is_estimated=True)
