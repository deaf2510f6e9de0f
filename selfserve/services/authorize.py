"""The one decision about a call: may this key call this model now, and how much may it cost?

What a call can cost at most is held back from its budgets before it is sent, so that calls at the same moment never
spend more than there is. Everything is looked at under one lock, the owner's.
"""

import uuid
from dataclasses import dataclass

from selfserve.calls import Admission, Ask
from selfserve.clock import now
from selfserve.database import end_read, transaction
from selfserve.errors import BudgetExceeded, Forbidden, NotFound, TooMany, Unavailable
from selfserve.extensions import redis
from selfserve.models import ApiKey, User
from selfserve.money import to_dollars
from selfserve.permissions import Actor, KeyGrant, Permission, covers
from selfserve.prices import Price, affordable_tokens, with_sizes, worst_cost
from selfserve.services import rates, rates_redis
from selfserve.services.actors import require
from selfserve.services.auth import refuse_unusable
from selfserve.services.key_limits import NUMBERS
from selfserve.services.open_calls import Standing, add_open_call, lock_owner, read_standing
from selfserve.upstreams import Route, Upstreams

FEWEST_TOKENS = 16
"""An answer that is cut shorter than this is worth nobody's money."""
MOST_TOKENS = 8_192
"""What an answer may be at most where neither the call nor the price list says it, and a budget must hold."""
_HELD_SECONDS = 5


@dataclass(frozen=True)
class _Share:
    """What a call may take of its budgets."""

    max_tokens: int | None
    reserved: int


def authorize(actor: Actor, ask: Ask, upstreams: Upstreams, timeout: int) -> Admission:
    """Let a call in and hold what it may cost, or refuse it with the reason; `timeout` is how many seconds it may take.

    Raises Unauthenticated (the key stopped working), Forbidden (model, no key), NotFound (no such model),
    BudgetExceeded, TooMany, Unavailable (no upstream).
    """
    require(actor, Permission.MODEL_CALL)
    if actor.key is None:
        raise Forbidden("The master key calls no models: nobody's budget would count it. Make a key and use that.")
    if actor.key.row is not None:
        _refuse_at_once(actor.key.row, ask.model)
    route = _route(upstreams, ask.model)
    with rates_redis.counted_request(_counted_elsewhere(actor.key, ask.model)), transaction(durable=False):
        standing = _standing(actor.key, actor.id, ask.model)
        refuse_unusable(standing.key, None)
        _refuse_at_once(standing.key, ask.model)
        _refuse_over_limits(standing)
        admission = _admission(actor, ask, route, standing)
        if upstreams.refuses_unpriced and admission.price is None:
            _refuse_unpriced(standing, ask.model)
        rates.count_request((standing.key, standing.key.owner))
        add_open_call(admission, standing.key.owner_id, timeout)
    return admission


def _standing(grant: KeyGrant, owner_id: str, model: str) -> Standing:
    """Read how a key stands, its owner locked where a limit could be overrun; one may have been set just now."""
    is_locked = grant.row is None or _has_limits(grant.row)
    if is_locked:
        lock_owner(owner_id)
    standing = read_standing(grant.id, model)
    if not is_locked and _has_limits(standing.key):
        lock_owner(owner_id)
        return read_standing(grant.id, model)
    return standing


def _counted_elsewhere(grant: KeyGrant, model: str) -> tuple[ApiKey | User, ...]:
    """Give the key and its owner where Redis counts what they do in a minute."""
    if not redis.client:
        return ()
    key = grant.row or read_standing(grant.id, model).key
    end_read()
    return key, key.owner


def _admission(actor: Actor, ask: Ask, route: Route, standing: Standing) -> Admission:
    """Say how a call is let in. Raises BudgetExceeded."""
    price = with_sizes(standing.price, route.price)
    share = _share(standing, ask, price)
    return Admission(
        request_id=actor.client.request_id or uuid.uuid4().hex,
        key_id=standing.key.id,
        model=ask.model,
        route=route,
        price=price,
        max_tokens=share.max_tokens,
        reserved=share.reserved,
        metered=tuple(thing.id for thing, _ in standing.uses if thing.tpm_limit is not None),
        started_at=now(),
        client=actor.client,
    )


def _has_limits(key: ApiKey) -> bool:
    """Tell whether anything is counted that calls at the same moment could overrun."""
    return any(getattr(thing, name) is not None for thing in (key, key.owner) for name in NUMBERS)


def _refuse_at_once(key: ApiKey, model: str) -> None:
    """Refuse what its row alone tells: a model that is not for it, a budget that is used up."""
    for thing in (key, key.owner):
        if not covers(thing.models, model):
            raise Forbidden(_not_for(thing, model), param="model", type="key_model_access_denied")
    for thing in (key, key.owner):
        if thing.is_over_budget:
            raise BudgetExceeded(_used_up(thing))


def _not_for(thing: ApiKey | User, model: str) -> str:
    """Say which models there are instead."""
    which = ", ".join(thing.models[:20])
    whose = "This key" if isinstance(thing, ApiKey) else "The owner of this key"
    return f"{whose} may not call {model[:100]}. Allowed: {which}. Ask an admin if you need another."


def _used_up(thing: ApiKey | User) -> str:
    """Say what was spent of what, and when it starts again."""
    resets = thing.next_reset_at
    then = f"It starts again on {resets:%Y-%m-%d %H:%M} UTC." if resets else "Ask an admin for more."
    return (
        f"Budget has been exceeded! {_whose(thing)} Current cost: ${to_dollars(thing.spend):,.4f}, "
        f"Max budget: ${to_dollars(thing.max_budget or 0):,.2f}. {then}"
    )


def _whose(thing: ApiKey | User) -> str:
    """Name a key or user as the documented refusals do."""
    return f"Key={thing.name} ({thing.key_name})" if isinstance(thing, ApiKey) else f"User={thing.user_id}"


def _route(upstreams: Upstreams, model: str) -> Route:
    """Find who serves a model."""
    if not upstreams.is_configured:
        raise Unavailable("Keys open nothing yet: no upstream is set. An admin sets UPSTREAM_BASE_URL and restarts.")
    route = upstreams.route(model)
    if route is None:
        raise NotFound(
            f"No upstream serves the model {model[:100]}. GET /v1/models lists those there are.", param="model"
        )
    return route


def _refuse_over_limits(standing: Standing) -> None:
    """Refuse one call more than may run at once, or than may begin in this minute."""
    for thing, use in standing.uses:
        limit = thing.max_parallel_requests
        if limit is not None and use.running >= limit:
            raise TooMany(
                f"Rate limit exceeded for {rates.described(thing)}. Limit type: parallel requests. "
                f"Current limit: {limit:,}, Remaining: 0. Try again when one of the running calls is done.",
                retry_after=1,
            )
        rates.refuse_over_rate(thing, use.requests, use.tokens)


def _refuse_unpriced(standing: Standing, model: str) -> None:
    """Refuse a model whose price nobody knows where there is a budget: it would spend without end."""
    if any(thing.max_budget is not None for thing, _ in standing.uses):
        raise Forbidden(
            f"Nobody here knows what {model[:100]} costs, and your budget pays for known prices only. Ask an admin to "
            "set its price.",
            param="model",
            type="key_model_access_denied",
        )


def _share(standing: Standing, ask: Ask, price: Price | None) -> _Share:
    """Give a call its share of what is left of its budgets: as many tokens as asked, or fewer.

    Raises BudgetExceeded where not even a short answer can be paid. What has no known price holds nothing.
    """
    budgets = [
        (thing, thing.max_budget - thing.spend - use.held)
        for thing, use in standing.uses
        if thing.max_budget is not None
    ]
    if not budgets or price is None:
        return _Share(None, 0)
    thing, left = min(budgets, key=lambda budget: budget[1])
    fits = affordable_tokens(price, ask.prompt_tokens, left)
    if fits is not None:
        fits //= ask.choices
    known = ask.max_tokens or price.most_completion_tokens
    most = (known or MOST_TOKENS) if ask.has_output else 0
    allowed = most if fits is None else min(most, fits)
    if allowed < min(FEWEST_TOKENS, most):
        raise _too_little_left(thing, standing)
    reserved = worst_cost(price, ask.prompt_tokens, allowed * ask.choices)
    return _Share(None if allowed == known or not ask.has_output else allowed, reserved)


def _too_little_left(thing: ApiKey | User, standing: Standing) -> BudgetExceeded:
    """Say that what is left does not pay a call like this: because others run, or because it is nearly used up."""
    held = next(use.held for each, use in standing.uses if each is thing)
    if held:
        return BudgetExceeded(
            f"{_whose(thing)}: ${to_dollars(held):,.4f} of ${to_dollars(thing.max_budget or 0):,.2f} is held by calls "
            "that run now. Try again when they are done, or ask for fewer tokens (max_tokens).",
            retry_after=_HELD_SECONDS,
        )
    return BudgetExceeded(
        f"{_used_up(thing)} What is left does not pay this prompt and a short answer: send a shorter one or call a "
        "cheaper model."
    )
