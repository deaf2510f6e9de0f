"""The users as the rows of a file, in the order in which they were made."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import tuple_
from sqlalchemy.orm import defer

from selfserve.errors import Invalid
from selfserve.extensions import db
from selfserve.models import User
from selfserve.money import to_dollars
from selfserve.permissions import Actor, Permission
from selfserve.schemas.users import UserFilter
from selfserve.services.actors import require
from selfserve.services.user_lists import UserRow, select_rows

MOST_EXPORTED = 200_000
AT_ONCE = 1_000
HEADER = (
    "user_id",
    "email",
    "name",
    "role",
    "status",
    "active_keys",
    "spend",
    "max_budget",
    "budget_duration",
    "budget_reset_at",
    "models",
    "rpm_limit",
    "tpm_limit",
    "max_parallel_requests",
    "created_at",
    "last_sign_in_at",
    "invited_at",
    "invited_by",
    "invitation_expires_at",
)


def export_users(actor: Actor, wanted: UserFilter) -> Iterator[tuple[object, ...]]:
    """Read the users that pass the filters, a thousand at a time; amounts in dollars, exact.

    Raises Invalid on the way for more than a file holds.
    """
    require(actor, Permission.USER_LIST)
    return _rows(wanted)


def _rows(wanted: UserFilter) -> Iterator[tuple[object, ...]]:
    """Give row after row, so that no more than a batch is held."""
    count = 0
    for batch in _batches(wanted):
        count += len(batch)
        if count > MOST_EXPORTED:
            raise Invalid(f"That is more than {MOST_EXPORTED:,} people, which is the most a file holds. Use a filter.")
        yield from map(_cells, batch)


def _batches(wanted: UserFilter) -> Iterator[list[UserRow]]:
    """Walk along the index, each batch from where the last one ended; what was written is forgotten."""
    place = User.created_at, User.id
    rows = select_rows(wanted).options(defer(User.details)).order_by(*place).limit(AT_ONCE)
    batch = [UserRow(*columns) for columns in db.session.execute(rows)]
    while batch:
        last = batch[-1].user.created_at, batch[-1].user.id
        yield batch
        db.session.expunge_all()
        beyond = rows.where(tuple_(*place) > tuple_(*last)) if len(batch) == AT_ONCE else None
        batch = [] if beyond is None else [UserRow(*columns) for columns in db.session.execute(beyond)]


def _cells(row: UserRow) -> tuple[object, ...]:
    """Write a user as the header says."""
    user: Any = row.user
    return (
        user.user_id,
        user.email or "",
        user.alias or "",
        user.role,
        user.status.value,
        row.active_keys,
        _dollars(user.spend),
        _dollars(user.max_budget),
        user.budget_duration or "",
        _moment(user.next_reset_at),
        ", ".join(user.models),
        _number(user.rpm_limit),
        _number(user.tpm_limit),
        _number(user.max_parallel_requests),
        _moment(user.created_at),
        _moment(user.last_login_at),
        _moment(row.invited_at),
        row.invited_by or "",
        _moment(row.invitation_expires_at),
    )


def _dollars(nanos: int | None) -> str:
    """Write an amount, nothing where there is none."""
    return "" if nanos is None else f"{to_dollars(nanos):f}"


def _number(value: int | None) -> object:
    """Write a number, nothing where there is none."""
    return "" if value is None else value


def _moment(moment: datetime | None) -> str:
    """Write a time in ISO 8601 and UTC, nothing where there is none."""
    return "" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
