"""Which events are meant: walks along the indexes of the audit log, newest first, each as short as it may be.

An OR, or a name that may stand in several columns, would read a million rows and sort them. So each way to be meant is
a walk of its own along an index, no longer than what is asked for, and the few rows of all walks are put in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, union, union_all

from selfserve.database import starts_with
from selfserve.extensions import db
from selfserve.models import ApiKey, AuditEvent, User
from selfserve.services.key_names import named
from selfserve.services.paging import Order
from selfserve.services.user_names import were_like

MOST_MEANT = 10
"""People, and keys, that the beginning of a name may stand for."""
NEWEST_FIRST = Order(AuditEvent.at, AuditEvent.id)
Condition = ColumnElement[bool]


@dataclass
class Walks:
    """Conditions that all must hold, and lists of which one each must hold; the longest list is walked one by one."""

    conditions: list[Condition] = field(default_factory=list)
    choices: list[list[Condition]] = field(default_factory=list)

    def ids(self, order: Order, limit: int, *more: Condition) -> Select[Any]:
        """Select the first events in an order, with the moment that they are ordered by."""
        rows: Any = select(AuditEvent.at, AuditEvent.id).where(*self.conditions, *more)
        if not self.choices:
            return order.arrange(rows).limit(limit)
        walked = max(self.choices, key=len)
        rest = [or_(*choice) for choice in self.choices if choice is not walked]
        walks = [order.arrange(rows.where(*rest, way)).limit(limit) for way in walked]
        if len(walks) == 1:
            return walks[0]
        found = union(*(select(walk.subquery()) for walk in walks)).subquery()
        place = [column.asc() if order.is_ascending else column.desc() for column in (found.c.at, found.c.id)]
        return select(found.c.at, found.c.id).order_by(*place).limit(limit)

    def count(self, most: int) -> int:
        """Count events, up to a number."""
        some = self.ids(NEWEST_FIRST, most).subquery()
        return db.session.scalar(select(func.count()).select_from(some)) or 0


def within(begin: Any, end: Any) -> list[Condition]:
    """Say that something happened in a span of time; an end may be open."""
    return [*([AuditEvent.at >= begin] if begin else []), *([AuditEvent.at < end] if end else [])]


def is_about(kind: str, object_id: str) -> Condition:
    """Say that a deed was done to one thing."""
    return and_(AuditEvent.object_type == kind, AuditEvent.object_id == object_id)


def are_meant_by(words: str) -> tuple[list[Condition], bool]:
    """Say which events somebody may mean: by and about people and keys that begin so; by a whole address or number.

    Tells also whether more people or keys begin so than are looked at.
    """
    people, keys = _people_and_keys(words)
    ways = [AuditEvent.address == words, AuditEvent.request_id == words]
    ways += [is_about(kind, words) for kind in ("price", "settings", "invitation")]
    for user_id in people[:MOST_MEANT]:
        ways += [AuditEvent.actor_user_id == user_id, AuditEvent.owner_user_id == user_id]
    ways += [is_about("key", key_id) for key_id in keys[:MOST_MEANT]]
    return ways, max(len(people), len(keys)) > MOST_MEANT


def find_keys(name: str) -> Sequence[str]:
    """Find the key that is named by its secret, its hash or its id, whatever became of it."""
    return db.session.scalars(select(ApiKey.id).where(named(name)).limit(MOST_MEANT)).all()


def _people_and_keys(words: str) -> tuple[list[str], list[str]]:
    """Find the people and the keys whose names begin so, and one more than are looked at, in one query."""
    of_key = select(ApiKey.id).where(starts_with(ApiKey.alias_key, words.casefold())).limit(MOST_MEANT + 1).subquery()
    by_name = select(ApiKey.id).where(named(words)).limit(1).subquery()
    of_user = select(User.user_id).where(User.id.in_(were_like(words))).limit(MOST_MEANT + 1).subquery()
    found = db.session.execute(
        union_all(
            select(literal("user"), of_user.c.user_id),
            select(literal("key"), of_key.c.id),
            select(literal("key"), by_name.c.id),
        )
    ).all()
    return [name for kind, name in found if kind == "user"], [name for kind, name in found if kind == "key"]
