"""The users as the rows of a file, in the order in which they were made."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, tuple_

from selfserve.database import begin_snapshot, unwritable
from selfserve.errors import Invalid
from selfserve.extensions import db
from selfserve.models import Invitation, User
from selfserve.money import to_dollars
from selfserve.permissions import Actor, Permission
from selfserve.schemas.users import UserFilter
from selfserve.services.actors import require
from selfserve.services.invitations import are_open
from selfserve.services.user_lists import count_active_keys, select_passing

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
    "soft_budget",
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
_OF_USER = (
    *(
        User.id,
        User.user_id,
        User.email,
        User.alias,
        User.role,
        User.is_blocked,
        User.password_hash,
        User.sso_subject,
        User.models,
    ),
    *(User.window_spend, User.max_budget, User.soft_budget, User.budget_duration, User.budget_reset_at),
    *(User.rpm_limit, User.tpm_limit, User.max_parallel_requests, User.created_at, User.last_login_at),
)
_NAMES = [column.key for column in _OF_USER]
_OF_LINK = (
    Invitation.created_at.label("invited_at"),
    Invitation.created_by_name.label("invited_by"),
    Invitation.expires_at.label("invitation_expires_at"),
)


def export_users(actor: Actor, wanted: UserFilter) -> Iterator[tuple[object, ...]]:
    """Read the users that pass the filters, a thousand at a time; amounts in dollars, exact.

    Raises Invalid on the way for more than a file holds.
    """
    require(actor, Permission.USER_LIST)
    return _rows(wanted)


def _rows(wanted: UserFilter) -> Iterator[tuple[object, ...]]:
    """Give row after row of one moment, so that no more than a batch is held."""
    begin_snapshot()
    count = 0
    for batch in _batches(wanted):
        count += len(batch)
        if count > MOST_EXPORTED:
            raise Invalid(f"That is more than {MOST_EXPORTED:,} people, which is the most a file holds. Use a filter.")
        yield from map(_cells, batch)


def _batches(wanted: UserFilter) -> Iterator[Sequence[Row[Any]]]:
    """Walk along the index, each batch from where the last one ended."""
    place = User.created_at, User.id
    linked = select_passing(wanted).outerjoin(Invitation, and_(Invitation.user_pk == User.id, are_open()))
    columns: list[Any] = [*_OF_USER, count_active_keys().label("active_keys"), *_OF_LINK]
    rows = linked.with_only_columns(*columns, maintain_column_froms=True)
    rows = rows.order_by(*place).limit(AT_ONCE)
    batch = db.session.execute(rows).all()
    while batch:
        yield batch
        beyond = tuple_(*place) > tuple_(batch[-1].created_at, batch[-1].id)
        batch = db.session.execute(rows.where(beyond)).all() if len(batch) == AT_ONCE else []


def _cells(row: Row[Any]) -> tuple[object, ...]:
    """Write a user as the header says."""
    user: Any = unwritable(User, dict(zip(_NAMES, row, strict=False)))
    return (
        user.user_id,
        user.email or "",
        user.alias or "",
        user.role,
        user.status.value,
        row.active_keys,
        _dollars(user.spend),
        _dollars(user.max_budget),
        _dollars(user.soft_budget),
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
