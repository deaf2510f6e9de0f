"""Calls on their way: let in with what they hold, recorded when they are over, given up when they were cut off."""

import logging
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, delete, func, insert, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import aliased

from selfserve.calls import Admission, CallException, Outcome
from selfserve.clock import now
from selfserve.database import UtcDateTime, table_of, transaction, unwritable
from selfserve.errors import Unauthenticated, Unavailable
from selfserve.extensions import db
from selfserve.models import ApiKey, ModelPrice, OpenCall, RateWindow, User
from selfserve.prices import Price, Usage, cost_of, price_of
from selfserve.schemas.spend import MAX_COST, MAX_TOKENS, CallRecord
from selfserve.services import rates, rates_redis
from selfserve.services.spend import add_calls

SLACK = timedelta(seconds=30)
"""How much longer than it may take a call is waited for."""
MOST_CLOSED = 500
_CLOSE_EVERY = 60.0
_last_closing = [0.0]
_AWAY = (OperationalError, InterfaceError, PoolTimeout, Unavailable)
_waiting: deque[tuple[Admission, CallRecord]] = deque(maxlen=10_000)
"""Calls that are over and could not be recorded. Should the process end before, they lapse as not counted."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Use:
    """What a key or user uses right now: money held and calls that run, requests and tokens of the minute."""

    held: int
    running: int
    requests: int
    tokens: int


@dataclass(frozen=True)
class Standing:
    """A key with its owner, what both use right now, and the price that an admin set for the model."""

    key: ApiKey
    of_key: Use
    of_owner: Use
    price: Price | None

    @property
    def uses(self) -> tuple[tuple[ApiKey | User, Use], ...]:
        """The key and its owner, each with its use."""
        return (self.key, self.of_key), (self.key.owner, self.of_owner)


def are_of(subject: type[ApiKey | User]) -> ColumnElement[bool]:
    """Say that calls on their way are those of a key, or of all keys of a user; found by the owner's index."""
    if subject is User:
        return OpenCall.user_pk == User.id
    return and_(OpenCall.user_pk == ApiKey.owner_id, OpenCall.key_id == ApiKey.id)


def _use(subject: type[ApiKey | User]) -> list[Any]:
    """Select the use of a key or a user, in the order of `Use`."""
    window = aliased(RateWindow)
    running = select(OpenCall).where(are_of(subject), OpenCall.lapses_at > bindparam("moment", type_=UtcDateTime))
    minute = select(window).where(
        window.subject_id == subject.id, window.ends_at == bindparam("minute", type_=UtcDateTime)
    )
    columns = (
        running.with_only_columns(func.sum(OpenCall.reserved)),
        running.with_only_columns(func.count()),
        minute.with_only_columns(window.requests),
        minute.with_only_columns(window.tokens),
    )
    return [func.coalesce(column.scalar_subquery(), 0) for column in columns]


_OF_BOTH = (
    *("id", "is_blocked", "models", "rpm_limit", "tpm_limit", "max_parallel_requests"),
    *("max_budget", "budget_duration", "budget_reset_at", "window_spend"),
)
_OF_KEY = (*_OF_BOTH, "owner_id", "alias", "tail", "expires_at")
_OF_OWNER = (*_OF_BOTH, "user_id")
"""What a decision needs; a column that is read for nothing costs a hundredth of it."""
_OF_PRICE = (ModelPrice.prompt, ModelPrice.completion, ModelPrice.cached)
_STANDING: Select[Any] = (
    select(
        *(getattr(ApiKey, name) for name in _OF_KEY),
        *(getattr(User, name) for name in _OF_OWNER),
        *_OF_PRICE,
        *_use(ApiKey),
        *_use(User),
    )
    .join(User, User.id == ApiKey.owner_id)
    .outerjoin(ModelPrice, ModelPrice.model == bindparam("model"))
    .where(ApiKey.id == bindparam("key_id"), and_(ApiKey.deleted_at.is_(None), User.deleted_at.is_(None)))
)
"""Asked on every call to a model, so it is built once, as are the others."""
_LOCK = select(User.id).where(User.id == bindparam("user_pk")).with_for_update(key_share=True)
_OPEN = insert(table_of(OpenCall))
_FORGET = delete(table_of(OpenCall)).where(OpenCall.request_id == bindparam("over"))


def lock_owner(user_pk: str) -> None:
    """Lock a user, so that calls of their keys are let in and recorded one after the other; needs a transaction."""
    db.session.connection().execute(_LOCK, {"user_pk": user_pk})


def read_standing(key_id: str, model: str) -> Standing:
    """Read how a key stands. Raises Unauthenticated if it was deleted since it was recognised."""
    moment = now()
    values = {"key_id": key_id, "model": model, "moment": moment, "minute": rates.minute_end(moment)}
    row = db.session.connection().execute(_STANDING, values).one_or_none()
    if row is None:
        raise Unauthenticated("Authentication Error, the key was deleted.", param="key", type="token_not_found_in_db")
    return _standing_of(row)


def is_running(key: ApiKey, user_agent: str) -> bool:
    """Tell whether a program has a call of a key on its way."""
    of_key = OpenCall.user_pk == key.owner_id, OpenCall.key_id == key.id
    running = select(OpenCall.request_id).where(*of_key, OpenCall.user_agent == user_agent, OpenCall.lapses_at > now())
    return db.session.scalar(running.limit(1)) is not None


def add_open_call(admission: Admission, user_pk: str, timeout: int) -> None:
    """Add the row of a call that is let in; needs an open transaction."""
    values = {
        "request_id": admission.request_id,
        "key_id": admission.key_id,
        "user_pk": user_pk,
        "model": admission.model,
        "provider": admission.route.upstream.name,
        "started_at": admission.started_at,
        "lapses_at": admission.started_at + timedelta(seconds=timeout) + SLACK,
        "reserved": admission.reserved,
        "address": admission.client.address,
        "user_agent": admission.client.user_agent,
    }
    db.session.connection().execute(_OPEN, values)


def settle(admission: Admission, outcome: Outcome) -> int | None:
    """Record a call that is over and let go of what it held; tell what it cost in nano-dollars, None if unknown.

    With the database away it is recorded as soon as that is back: its answer was paid for, and goes out.
    """
    cost, exception = _cost(admission, outcome)
    usage = outcome.usage or Usage()
    record = CallRecord(
        request_id=admission.request_id,
        key_id=admission.key_id,
        model=admission.model,
        started_at=admission.started_at,
        cost=cost or 0,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
        is_failed=outcome.is_failed,
        address=admission.client.address,
        user_agent=admission.client.user_agent,
        provider=admission.route.upstream.name,
        status=outcome.status,
        latency_ms=max(0, (now() - admission.started_at) // timedelta(milliseconds=1)),
        exception=exception,
    )
    if _is_recorded(admission, record):
        record_waiting()
        _close_lapsed_at_times()
    return cost


def record_waiting() -> None:
    """Record the calls that the database could not take when they were over."""
    with suppress(IndexError):  # another thread took the last one
        for _ in range(len(_waiting)):
            if not _is_recorded(*_waiting.popleft()):
                return


def close_lapsed() -> int:
    """Record calls that were cut off by a crash as what they are: of unknown cost; tell how many."""
    lapsed = select(OpenCall).where(OpenCall.lapses_at <= now()).order_by(OpenCall.lapses_at).limit(MOST_CLOSED)
    rows = list(db.session.scalars(lapsed))
    return sum(_is_closed(row) for row in rows)


def _is_recorded(admission: Admission, record: CallRecord) -> bool:
    """Record a call and let go of what it held, or keep it for later while the database is away.

    It never raises: what went wrong here is no reason to keep an answer from whoever paid for it.
    """
    tokens = record.prompt_tokens + record.completion_tokens
    try:
        with transaction(durable=False):
            add_calls([record])
            rates.count_tokens(admission.metered, tokens)
            _forget([admission.request_id])
    except _AWAY as error:
        _waiting.append((admission, record))
        _log.warning("a call waits until it can be recorded: %s", type(error).__name__)
        return False
    except Exception as error:
        _log.error("call %s could not be recorded and will lapse: %s", admission.request_id, type(error).__name__)
        return False
    rates_redis.count_tokens(admission.metered, tokens)
    return True


def _is_closed(row: OpenCall) -> bool:
    """Record one call that was cut off; whatever is wrong with it keeps no other one from being recorded."""
    try:
        with transaction(durable=False):
            add_calls([_uncounted(row)])
            _forget([row.request_id])
    except Exception as error:
        _log.warning("call %s was cut off and could not be recorded: %s", row.request_id, type(error).__name__)
        return False
    return True


def _close_lapsed_at_times() -> None:
    """Look for calls that were cut off, at most once a minute in each process; the call at hand is not in danger."""
    if time.monotonic() - _last_closing[0] < _CLOSE_EVERY:
        return
    _last_closing[0] = time.monotonic()
    try:
        close_lapsed()
    except _AWAY as error:
        _log.warning("calls that were cut off could not be looked for: %s", type(error).__name__)


def _cost(admission: Admission, outcome: Outcome) -> tuple[int | None, CallException | None]:
    """Reckon what a call cost, and say if that is not simply its price."""
    if outcome.usage is None:
        return 0, None
    if admission.price is None:
        return None, CallException.PRICE_UNKNOWN
    cost = min(cost_of(admission.price, outcome.usage), MAX_COST)
    is_absurd = max(outcome.usage.prompt_tokens, outcome.usage.completion_tokens) >= MAX_TOKENS
    if 0 < admission.reserved < cost or is_absurd:
        return cost, CallException.MORE_THAN_ASKED
    return cost, CallException.USAGE_ESTIMATED if outcome.is_estimated else None


def _uncounted(row: OpenCall) -> CallRecord:
    """Say what is known of a call that was cut off."""
    return CallRecord(
        request_id=row.request_id,
        key_id=row.key_id,
        model=row.model,
        started_at=row.started_at,
        cost=0,
        is_failed=True,
        address=row.address,
        user_agent=row.user_agent,
        provider=row.provider,
        exception=CallException.UNCOUNTED,
    )


def _forget(request_ids: list[str]) -> None:
    """Let go of what calls held; needs an open transaction."""
    db.session.connection().execute(_FORGET, [{"over": request_id} for request_id in request_ids])


def _standing_of(row: Row[Any]) -> Standing:
    """Give what a row of `_STANDING` tells."""
    values = iter(row)
    of_key = {name: next(values) for name in _OF_KEY}
    owner = unwritable(User, {name: next(values) for name in _OF_OWNER})
    prompt, completion, cached = (next(values) for _ in _OF_PRICE)
    held, running, requests, tokens, *of_owner = (int(value) for value in values)
    price = None if prompt is None else price_of(prompt, completion, cached)
    key = unwritable(ApiKey, of_key | {"owner": owner})
    return Standing(key, Use(held, running, requests, tokens), Use(*of_owner), price)
