"""What happened lately to a key or a person: the newest audit events, with the names of who did it and to what."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, union
from sqlalchemy.orm import aliased

from selfserve.errors import NotFound
from selfserve.extensions import db
from selfserve.models import ApiKey, AuditEvent, User
from selfserve.permissions import MASTER_USER_ID, Actor, Permission, Reach, allows, reach
from selfserve.services.actors import require

MOST_SHOWN = 20
YOU, SOMEBODY, ITSELF = "You", "Somebody", "Selfserve"
_MASTER, _OPERATOR = "The master key", "The operator"
_NAMED_BY_ID = ("price", "settings", "tries")
"""What has no row of its own that would name it."""
_MOMENTS = ("expires_at", "grace_ends_at", "before")


@dataclass(frozen=True)
class Change:
    """One property that a deed changed."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Activity:
    """One deed as a page tells it.

    `what` is what it was done to: a key, a model with a price, a server that was asked. `whose` is the person. Each is
    None on the page that is about it; `whose` is "You" for the reader.
    """

    at: datetime
    who: str
    action: str
    what: str | None
    key_id: str | None
    whose: str | None
    source: str
    address: str | None
    after: dict[str, Any]
    changes: list[Change]
    facts: list[Change]
    """All that was told of it, what changed first; None where it was not told before or after."""


def list_key_activity(actor: Actor, key: ApiKey) -> list[Activity]:
    """List what was done to a key, newest first. Raises NotFound out of reach."""
    require(actor, Permission.ACTIVITY_READ)
    if not allows(actor, Permission.ACTIVITY_READ, key.owner_id):
        raise NotFound("There is no such key.", param="key")
    of_key = AuditEvent.object_type == "key", AuditEvent.object_id == key.id
    return _told(actor, _newest(*of_key), key.owner.user_id, is_of_key=True)


def list_user_activity(actor: Actor, user: User) -> list[Activity]:
    """List what a person did and what was done to them and their keys, newest first. Raises NotFound out of reach."""
    require(actor, Permission.ACTIVITY_READ)
    if not allows(actor, Permission.ACTIVITY_READ, user.id):
        raise NotFound("There is no such user.", param="user_id")
    return _told(actor, _around(user.user_id), user.user_id)


def list_own_activity(actor: Actor) -> list[Activity]:
    """List what the actor did and what was done to them and their keys, newest first."""
    require(actor, Permission.ACTIVITY_READ)
    return _told(actor, _around(actor.user_id), None)


def _around(user_id: str) -> Select[Any]:
    """Select the newest events by and about somebody: two walks along an index, where an OR would read them all."""
    by_them, about_them = _newest(AuditEvent.actor_user_id == user_id), _newest(AuditEvent.owner_user_id == user_id)
    both = union(select(by_them.subquery()), select(about_them.subquery())).subquery()
    return select(both.c.id)


def _newest(*conditions: Any) -> Select[Any]:
    """Select the ids of the newest events of a kind."""
    newest_first = AuditEvent.at.desc(), AuditEvent.id.desc()
    return select(AuditEvent.id).where(*conditions).order_by(*newest_first).limit(MOST_SHOWN)


def _told(actor: Actor, ids: Select[Any], subject: str | None, *, is_of_key: bool = False) -> list[Activity]:
    """Read events with all the names in them, in one query, and tell them to the actor."""
    rows = select_named(AuditEvent.id.in_(ids)).order_by(AuditEvent.at.desc(), AuditEvent.id.desc()).limit(MOST_SHOWN)
    return [tell(actor, row, subject, is_of_key=is_of_key) for row in db.session.execute(rows)]


def select_named(are_meant: ColumnElement[bool]) -> Select[Any]:
    """Select events with the names of who did it, of whom and of the key it concerns, each also after their end."""
    doer, owner = aliased(User), aliased(User)
    is_key = and_(AuditEvent.object_type == "key", ApiKey.id == AuditEvent.object_id)
    return (
        select(
            AuditEvent,
            doer.id.label("doer_id"),
            _name(doer).label("doer"),
            doer.deleted_at.label("doer_left_at"),
            owner.id.label("owner_id"),
            _name(owner).label("owner"),
            owner.deleted_at.label("owner_left_at"),
            ApiKey.id.label("key_id"),
            func.coalesce(ApiKey.alias, ApiKey.prefix + "…" + ApiKey.tail).label("key"),
            ApiKey.deleted_at.label("key_ended_at"),
        )
        .outerjoin(doer, doer.user_id == AuditEvent.actor_user_id)
        .outerjoin(owner, owner.user_id == AuditEvent.owner_user_id)
        .outerjoin(ApiKey, is_key)
        .where(are_meant)
    )


def tell(actor: Actor, row: Any, subject: str | None = None, *, is_of_key: bool = False) -> Activity:
    """Tell one event, read by `select_named`, to the actor; `subject` is whose page it is."""
    event: AuditEvent = row.AuditEvent
    is_about_key = event.object_type == "key" and not is_of_key
    named = event.object_id if event.object_type in _NAMED_BY_ID else None
    what = (row.key or event.object_id) if is_about_key else named
    before, after = _with_moments(event.before), _with_moments(event.after)
    return Activity(
        event.at,
        _who(actor, row),
        event.action,
        what,
        row.key_id if is_about_key and row.key_ended_at is None else None,
        _whose(actor, subject, row),
        event.source,
        event.address if _may_know_address(actor, event) else None,
        after,
        _changes(before, after),
        _facts(before, after),
    )


def _who(actor: Actor, row: Any) -> str:
    """Say who did it."""
    event: AuditEvent = row.AuditEvent
    if event.actor_user_id == actor.user_id:
        return YOU
    if event.actor_user_id == MASTER_USER_ID:
        return _OPERATOR if event.source == "cli" else _MASTER
    if event.actor_user_id is None and event.source == "system":
        return ITSELF
    return _called(row.doer, row.doer_left_at)


def _whose(actor: Actor, subject: str | None, row: Any) -> str | None:
    """Say whom it concerns, None where the page says so."""
    owner = row.AuditEvent.owner_user_id
    if owner in (None, subject):
        return None
    return YOU if owner == actor.user_id else _called(row.owner, row.owner_left_at)


def _may_know_address(actor: Actor, event: AuditEvent) -> bool:
    """Tell whether the actor may know where a deed came from: an admin sat elsewhere, which is their business."""
    is_own_or_strange = event.actor_user_id in (None, actor.user_id)
    return is_own_or_strange or reach(actor.role, Permission.ACTIVITY_READ) is Reach.ANYONES


def _called(name: str | None, deleted_at: datetime | None) -> str:
    """Call a person by name, also after they were deleted."""
    if name is None:
        return SOMEBODY
    return f"{name} (deleted)" if deleted_at else name


def _name(user: Any) -> Any:
    """Say what a user is called, in SQL; `User.name` says it in Python."""
    return func.coalesce(user.alias, user.email, user.user_id)


def _with_moments(told: dict[str, Any]) -> dict[str, Any]:
    """Read the moments that JSON wrote as text."""
    return told | {name: datetime.fromisoformat(told[name]) for name in _MOMENTS if told.get(name)}


def _changes(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """List what is different, in the order in which it is told."""
    both = [name for name in after if name in before]
    return [Change(name, before[name], after[name]) for name in both if before[name] != after[name]]


def _facts(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """List all that was told, what is different first."""
    told = [Change(name, before.get(name), after.get(name)) for name in before | after]
    return sorted(told, key=lambda fact: fact.before == fact.after)
