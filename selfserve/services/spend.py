"""Spend: calls recorded exactly once, their sums per day and their budgets kept in the same transaction.

Every call to a model comes through here, so its statements are built once and no object is made of a row.
"""

from collections.abc import Collection
from datetime import UTC
from functools import cache
from typing import Any

from sqlalchemy import Connection, Update, bindparam, select, update

from selfserve.calls import CallException
from selfserve.database import insert, table_of, transaction
from selfserve.errors import NotFound
from selfserve.extensions import db
from selfserve.models import ApiKey, Call, DailySpend, User
from selfserve.models.budget import Budgeted
from selfserve.schemas.spend import CallRecord
from selfserve.services.spend_sums import SUMMED

_DAY = ("user_pk", "day", "key_id", "model")
_CHARGED = ("budget_reset_at", "window_spend", "total_spend")
_READ = ("id", "budget_duration", *_CHARGED)


class _Account(Budgeted):
    """A budget apart from its row, to be charged."""

    id: str
    owner_id: str

    def __init__(self, values: dict[str, Any]) -> None:
        """Take what was read of the row."""
        self.__dict__.update(values)


def record_calls(calls: list[CallRecord]) -> int:
    """Record calls, each exactly once per `request_id`, with their daily sums and budgets; tell how many were new.

    Of a call that is told twice the first telling counts, unless it only said that the call was not counted. Raises
    NotFound when a key does not exist; then nothing is recorded.
    """
    if not calls:
        return 0
    with transaction():
        return add_calls(calls)


def add_calls(calls: list[CallRecord]) -> int:
    """Do the same inside an open transaction."""
    connection = db.session.connection()
    told = {call.request_id: call for call in reversed(calls)}
    owners, keys = _lock_budgets(connection, {call.key_id for call in told.values()})
    fresh = _add_calls(connection, told.values(), keys)
    late = [request_id for request_id in told if request_id not in fresh and _is_counted(connection, told[request_id])]
    counted = [told[request_id] for request_id in (*fresh, *late)]
    for call in counted:
        key = keys[call.key_id]
        key.add_spend(call.cost, call.started_at)
        owners[key.owner_id].add_spend(call.cost, call.started_at)
    if counted:
        connection.execute(_CHARGE_USERS, [_charged(owner) for owner in owners.values()])
        connection.execute(_CHARGE_KEYS, [_charged(key) for key in keys.values()])
        _add_to_days(connection, counted, keys, corrected=set(late))
    return len(fresh)


def _budget(model: type[User | ApiKey]) -> list[Any]:
    """Select what a charge needs."""
    return [getattr(model, name) for name in _READ]


def _to_charge(model: type[User | ApiKey]) -> Update:
    """Write a charge; it is no change that somebody made, so `updated_at` stays."""
    columns = table_of(model).c
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _CHARGED}
    kept = values | {"updated_at": columns.updated_at}
    return update(table_of(model)).where(columns.id == bindparam("row_id")).values(kept)


_BUDGETS = (
    select(*_budget(User), *_budget(ApiKey))
    .join(User, User.id == ApiKey.owner_id)
    .where(ApiKey.id.in_(bindparam("key_ids", expanding=True)))
    .order_by(ApiKey.id)
    .with_for_update(key_share=True, of=(User, ApiKey))
)
"""The foreign keys of others' calls do not stand in its way."""
_OWNERS = (
    select(User.id)
    .where(User.id.in_(select(ApiKey.owner_id).where(ApiKey.id.in_(bindparam("key_ids", expanding=True)))))
    .order_by(User.id)
    .with_for_update(key_share=True)
)
_CHARGE_USERS, _CHARGE_KEYS = _to_charge(User), _to_charge(ApiKey)


def _lock_budgets(connection: Connection, key_ids: set[str]) -> tuple[dict[str, _Account], dict[str, _Account]]:
    """Lock the owners of these keys, then the keys, each in id order, so that no two batches wait in a ring.

    Raises NotFound when a key does not exist.
    """
    if len(key_ids) > 1:
        connection.execute(_OWNERS, {"key_ids": list(key_ids)})
    owners: dict[str, _Account] = {}
    keys: dict[str, _Account] = {}
    for row in connection.execute(_BUDGETS, {"key_ids": list(key_ids)}):
        owner, key = (_Account(dict(zip(_READ, part, strict=True))) for part in (row[: len(_READ)], row[len(_READ) :]))
        owners.setdefault(owner.id, owner)
        keys[key.id] = key
        key.owner_id = owner.id
    if len(keys) < len(key_ids):
        raise NotFound("There is no such key.", param="key_id")
    return owners, keys


def _charged(account: _Account) -> dict[str, Any]:
    """Give what the row of an account says after a charge."""
    return {"row_id": account.id} | {f"new_{name}": getattr(account, name) for name in _CHARGED}


def _add_calls(connection: Connection, calls: Collection[CallRecord], keys: dict[str, _Account]) -> list[str]:
    """Add calls; give the ids of those that were not recorded before. Needs owners and keys locked."""
    rows = [call.model_dump() | {"user_pk": keys[call.key_id].owner_id} for call in calls]
    return sorted(connection.scalars(_new_calls(connection.dialect.name), rows))


@cache
def _new_calls(_dialect: str) -> Any:
    """Write the statement that adds calls which are not there yet."""
    new = insert(Call).on_conflict_do_nothing(index_elements=["request_id"])
    return new.returning(table_of(Call).c.request_id)


@cache
def _more_of_days(_dialect: str) -> Any:
    """Write the statement that adds to the sums of days."""
    row = insert(DailySpend)
    added = {name: getattr(DailySpend, name) + row.excluded[name] for name in SUMMED}
    return row.on_conflict_do_update(index_elements=_DAY, set_=added)


def _is_counted(connection: Connection, call: CallRecord) -> bool:
    """Put in what is known of a call by now, where it was recorded as not counted; tell whether it was."""
    columns = table_of(Call).c
    if call.exception is CallException.UNCOUNTED:
        return False
    told = call.model_dump(exclude={"request_id", "key_id", "model", "started_at"})
    is_it = [columns[name] == getattr(call, name) for name in ("request_id", "key_id", "model", "started_at")]
    uncounted = update(table_of(Call)).where(*is_it, columns.exception == CallException.UNCOUNTED)
    return connection.execute(uncounted.values(told)).rowcount > 0


def _add_to_days(
    connection: Connection, calls: list[CallRecord], keys: dict[str, _Account], corrected: Collection[str]
) -> None:
    """Add calls to the sums of their days (UTC), and of the corrected ones what was not in them yet."""
    days: dict[tuple[Any, ...], dict[str, int]] = {}
    for call in calls:
        place = keys[call.key_id].owner_id, call.started_at.astimezone(UTC).date(), call.key_id, call.model
        sums = days.setdefault(place, dict.fromkeys(SUMMED, 0))
        before = _OF_UNCOUNTED if call.request_id in corrected else {}
        for name, amount in _amounts(call).items():
            sums[name] += amount - before.get(name, 0)
    rows = [dict(zip(_DAY, place, strict=True)) | sums for place, sums in days.items()]
    connection.execute(_more_of_days(connection.dialect.name), rows)


_OF_UNCOUNTED = {"requests": 1, "failed_requests": 1, "unpriced_requests": 1}
"""What a call that was not counted added to the sums of its day."""


def _amounts(call: CallRecord) -> dict[str, int]:
    """Say what one call adds to the sums of its day."""
    return {
        "spend": call.cost,
        "requests": 1,
        "failed_requests": int(call.is_failed),
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": call.completion_tokens,
        "cached_tokens": call.cached_tokens,
        "unpriced_requests": int(call.exception is not None and call.exception.is_cost_unknown),
    }
