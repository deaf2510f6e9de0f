"""A key is tried without its secret: by a small call of its own, let in, sent, paid and recorded like any other."""

from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

from selfserve.errors import Conflict, DomainError, Forbidden
from selfserve.gateway import dialects
from selfserve.gateway.calls import Passing, Whole, send
from selfserve.gateway.client import Patience
from selfserve.permissions import Actor, KeyGrant, Permission
from selfserve.routes import CHAT, opens
from selfserve.schemas.model_calls import ChatCall, CompletionCall, EmbeddingCall, MessageCall, ResponseCall
from selfserve.services.authorize import authorize
from selfserve.services.key_limits import limits_of
from selfserve.services.keys import get_key
from selfserve.services.open_calls import is_running, settle
from selfserve.upstreams import Upstreams

AGENT = "Selfserve test"
SECONDS = 30
TOKENS = 64
"""Room for a word, also where a model thinks before it speaks."""
PATIENCE = Patience(first_byte=SECONDS, idle=SECONDS, whole=SECONDS)
_SAID = "Say pong."


@dataclass(frozen=True)
class Trial:
    """How it went: with which model, how long it took and what it cost, or why it was refused; no cost is unknown."""

    key: Any
    model: str
    milliseconds: int = 0
    cost: int | None = None
    error: DomainError | None = None

    @property
    def status(self) -> int:
        """What a program would have got."""
        return self.error.status if self.error else 200


def try_key(actor: Actor, key_id: str, model: str, upstreams: Upstreams) -> Trial:
    """Try one of the actor's own keys with a model, whatever it answers.

    Raises NotFound for a key of somebody else, also for admins; Conflict while one is being tried.
    """
    key = get_key(actor, key_id, Permission.MODEL_CALL)
    if is_running(key, AGENT):
        raise Conflict("A test of this key is still running. Wait for its answer.")
    grant = KeyGrant(key.id, key.token, limits_of(key), tuple(key.allowed_routes), key.key_type)
    caller = replace(actor, key=grant, client=replace(actor.client, user_agent=AGENT))
    begun = perf_counter()
    try:
        cost = _call(caller, grant, _small_call(model, upstreams), upstreams)
    except DomainError as error:
        return Trial(key, model, _since(begun), error=error)
    return Trial(key, model, _since(begun), cost)


def _call(caller: Actor, grant: KeyGrant, passing: Passing, upstreams: Upstreams) -> int | None:
    """Call as the key would; tell what it cost, None if nobody knows. Raises whatever refuses it."""
    if not opens(grant.allowed_routes, CHAT):
        raise Forbidden(f"This key may only call {', '.join(grant.allowed_routes)}. Use a key made for {CHAT}.")
    admission = authorize(caller, passing.ask, upstreams, SECONDS)
    answer = send(passing, admission, PATIENCE, partial(settle, admission))
    if isinstance(answer, Whole):
        return answer.cost
    answer.close()
    return None


def _small_call(model: str, upstreams: Upstreams) -> Passing:
    """Write the smallest call that fits what a model is for, in the words of its upstream."""
    route = upstreams.route(model)
    mode = route.price.mode if route and route.price else "chat"
    messages = [{"role": "user", "content": _SAID}]
    if route and route.upstream.auth == "x-api-key":
        content: dict[str, Any] = {"model": model, "messages": messages, "max_tokens": TOKENS}
        return Passing(dialects.MESSAGES, MessageCall.model_validate(content), content)
    if mode == "embedding":
        content = {"model": model, "input": _SAID}
        return Passing(dialects.EMBEDDINGS, EmbeddingCall.model_validate(content), content)
    if mode == "completion":
        content = {"model": model, "prompt": _SAID, "max_tokens": TOKENS}
        return Passing(dialects.COMPLETIONS, CompletionCall.model_validate(content), content)
    if mode == "responses":
        content = {"model": model, "input": _SAID, "max_output_tokens": TOKENS}
        return Passing(dialects.RESPONSES, ResponseCall.model_validate(content), content)
    limit = dialects.CHAT.limit(route.upstream_model if route else model)
    content = {"model": model, "messages": messages, limit: TOKENS}
    return Passing(dialects.CHAT, ChatCall.model_validate(content), content)


def _since(begun: float) -> int:
    """Tell how many milliseconds have passed."""
    return round((perf_counter() - begun) * 1000)
