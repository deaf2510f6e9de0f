"""Spend: calls recorded exactly once, their sums per day kept in the same transaction, and the sums told."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import TypeVar

from sqlalchemy import func, select

from selfserve.clock import now
from selfserve.database import insert, transaction
from selfserve.errors import NotFound
from selfserve.extensions import db
from selfserve.models import ApiKey, Call, DailySpend, User
from selfserve.permissions import Actor, Permission
from selfserve.schemas.spend import CallRecord
from selfserve.services.actors import require

Budget = TypeVar("Budget", User, ApiKey)
MOST_ROWS = 1_000


@dataclass(frozen=True)
class SpendRow:
    """The sums of one model on one day; `spend` in nano-dollars."""

    day: date
    model: str
    spend: int
    requests: int
    failed_requests: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class SpendSummary:
    """The sums of a range of days (UTC), and its rows, newest first."""

    first_day: date
    last_day: date
    spend: int
    requests: int
    failed_requests: int
    prompt_tokens: int
    completion_tokens: int
    rows: list[SpendRow]


def record_calls(calls: list[CallRecord]) -> int:
    """Record calls, each exactly once per `request_id`, with their daily sums and budgets; tell how many were new.

    Raises NotFound when a key does not exist; then nothing is recorded.
    """
    with transaction():
        budgets = _lock_budgets({call.key_id for call in calls})
        return sum(_record(call, *budgets[call.key_id]) for call in sorted(calls, key=lambda call: call.request_id))


def summarise(actor: Actor, days: int) -> SpendSummary:
    """Sum up the actor's own spend of the last days, from the daily sums only."""
    require(actor, Permission.SPEND_READ)
    last = now().date()
    first = last - timedelta(days=days - 1)
    sums = [
        func.sum(column)
        for column in (
            DailySpend.spend,
            DailySpend.requests,
            DailySpend.failed_requests,
            DailySpend.prompt_tokens,
            DailySpend.completion_tokens,
        )
    ]
    own = select(DailySpend.day, DailySpend.model, *sums).where(
        DailySpend.user_pk == actor.id, DailySpend.day.between(first, last)
    )
    grouped = own.group_by(DailySpend.day, DailySpend.model).order_by(DailySpend.day.desc(), DailySpend.model)
    rows = [
        SpendRow(day, model, *(int(total or 0) for total in totals))
        for day, model, *totals in db.session.execute(grouped)
    ]
    return SpendSummary(
        first,
        last,
        sum(row.spend for row in rows),
        sum(row.requests for row in rows),
        sum(row.failed_requests for row in rows),
        sum(row.prompt_tokens for row in rows),
        sum(row.completion_tokens for row in rows),
        rows[:MOST_ROWS],
    )


def _lock_budgets(key_ids: set[str]) -> dict[str, tuple[User, ApiKey]]:
    """Give each key with its owner, locked: owners first, each in id order, so that no two batches wait in a ring.

    Raises NotFound when one of the keys does not exist.
    """
    owner_ids = dict(db.session.execute(select(ApiKey.id, ApiKey.owner_id).where(ApiKey.id.in_(key_ids))).all())
    if len(owner_ids) < len(key_ids):
        raise NotFound("There is no such key.", param="key_id")
    owners, keys = _locked(User, owner_ids.values()), _locked(ApiKey, owner_ids)
    return {key_id: (owners[owner_id], keys[key_id]) for key_id, owner_id in owner_ids.items()}


def _locked(model: type[Budget], row_ids: Iterable[str]) -> dict[str, Budget]:
    """Read whatever has a budget for a change; the foreign keys of others' calls do not stand in the way."""
    rows = select(model).where(model.id.in_(set(row_ids))).order_by(model.id).with_for_update(key_share=True)
    return {row.id: row for row in db.session.scalars(rows.execution_options(populate_existing=True))}


def _record(call: CallRecord, owner: User, key: ApiKey) -> int:
    """Record one call; 0 when it was recorded before. Needs owner and key locked."""
    values = {
        "request_id": call.request_id,
        "user_pk": owner.id,
        "key_id": key.id,
        "model": call.model,
        "started_at": call.started_at,
        "cost": call.cost,
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": call.completion_tokens,
        "is_failed": call.is_failed,
    }
    fresh = insert(Call).values(**values).on_conflict_do_nothing(index_elements=["request_id"])
    if not db.session.execute(fresh.returning(Call.id)).first():
        return 0
    owner.add_spend(call.cost, call.started_at)
    key.add_spend(call.cost, call.started_at)
    _add_to_day(call, owner.id)
    return 1


def _add_to_day(call: CallRecord, owner_id: str) -> None:
    """Add a call to the sums of its day."""
    added = {
        "spend": call.cost,
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": call.completion_tokens,
        "requests": 1,
        "failed_requests": int(call.is_failed),
    }
    day = call.started_at.astimezone(UTC).date()
    row = insert(DailySpend).values(user_pk=owner_id, day=day, key_id=call.key_id, model=call.model, **added)
    sums = {name: getattr(DailySpend, name) + amount for name, amount in added.items()}
    db.session.execute(row.on_conflict_do_update(index_elements=["user_pk", "day", "key_id", "model"], set_=sums))
