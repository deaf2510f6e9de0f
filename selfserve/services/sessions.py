"""Where somebody is signed in: their living sessions, and how they end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.devices import device
from selfserve.errors import NotFound
from selfserve.extensions import db
from selfserve.minting import fingerprint
from selfserve.models import Session, User
from selfserve.permissions import Actor, Permission, allows
from selfserve.services.actors import confirm, require
from selfserve.services.audit import record_event
from selfserve.services.auth import began_by_a_way_in
from selfserve.services.users import lock_user, unknown_user

MOST_SHOWN = 20
MOST_SOUGHT = 5 * MOST_SHOWN
"""Among how many a session is sought by its name: those that a page showed, and some that were seen since."""


@dataclass(frozen=True)
class SignedIn:
    """A living session as a page shows it; `handle` names it in forms and opens nothing."""

    handle: str
    user_agent: str | None
    address: str | None
    started_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    is_idle_end: bool
    is_current: bool


@dataclass(frozen=True)
class SessionList:
    """The living sessions of somebody that are shown, and how many there are besides."""

    rows: list[SignedIn]
    others: int


def list_sessions(actor: Actor, row_id: str, idle: timedelta, current_id: str | None) -> SessionList:
    """List where somebody is signed in, the one that asks first, then by when they were last seen; some at most.

    Raises NotFound for somebody out of reach.
    """
    require(actor, Permission.SESSION_READ)
    if not allows(actor, Permission.SESSION_READ, row_id):
        raise unknown_user()
    mine = fingerprint(current_id or "")
    rows = _living(row_id, idle).order_by((Session.id_hash == mine).desc(), Session.last_seen_at.desc())
    found = db.session.execute(rows.add_columns(func.count().over()).limit(MOST_SHOWN)).all()
    return SessionList([_shown(one, idle, mine) for one, _ in found], found[0][1] - len(found) if found else 0)


def end_session(actor: Actor, handle: str, current_id: str) -> bool:
    """End one of the actor's own sessions; tell whether it is the one that asks. It is dead for every worker at once.

    Raises NotFound when the actor has none of that name, or none any more.
    """
    require(actor, Permission.SESSION_END)
    with transaction():
        own = select(Session).where(Session.user_pk == actor.id).order_by(Session.last_seen_at.desc())
        newest = db.session.scalars(own.limit(MOST_SOUGHT))
        session = next((one for one in newest if one.handle == handle), None)
        if session is None or not _end(Session.id_hash == session.id_hash):
            raise NotFound("There is no such session, or it has ended already.")
        _record(actor, actor.user_id, device=device(session.user_agent))
    return session.id_hash == fingerprint(current_id)


def end_other_sessions(actor: Actor, current_id: str) -> int:
    """End all of the actor's own sessions but the one that asks; tell how many."""
    require(actor, Permission.SESSION_END)
    with transaction():
        lock_user(User.id == actor.id)
        ended = _end((Session.user_pk == actor.id) & (Session.id_hash != fingerprint(current_id)))
        _record(actor, actor.user_id, others=ended)
    return ended


def end_sessions_of(actor: Actor, row_id: str) -> User:
    """End all sessions of a person; their keys keep working. Raises NotFound for an unknown one or one out of reach."""
    require(actor, Permission.SESSION_END)
    with transaction():
        confirm(actor, Permission.SESSION_END)
        user = lock_user(User.id == row_id)
        if user is None or not allows(actor, Permission.SESSION_END, user.id):
            raise unknown_user()
        _record(actor, user.user_id, all=_end(Session.user_pk == user.id))
    return user


def _living(row_id: str, idle: timedelta) -> Select[Session]:
    """Select the sessions of somebody that would be let in now."""
    moment = now()
    is_alive = Session.expires_at > moment, Session.last_seen_at > moment - idle, began_by_a_way_in()
    return select(Session).where(Session.user_pk == row_id, *is_alive)


def _shown(session: Session, idle: timedelta, mine: str) -> SignedIn:
    """Describe a session; it ends when nobody uses it for a while, and in any case when its time is over."""
    idle_end = session.last_seen_at + idle
    return SignedIn(
        session.handle,
        session.user_agent,
        session.address,
        session.created_at,
        session.last_seen_at,
        min(session.expires_at, idle_end),
        idle_end < session.expires_at,
        session.id_hash == mine,
    )


def _end(are_meant: ColumnElement[bool]) -> int:
    """Delete sessions; tell how many there were. Needs an open transaction."""
    ended: Any = db.session.execute(delete(Session).where(are_meant))
    return int(ended.rowcount)


def _record(actor: Actor, user_id: str, **told: Any) -> None:
    """Put on record which sessions of somebody ended: that of a device, so many others, or so many in all."""
    record_event(actor, "session.ended", "user", user_id, owner=user_id, after=told)
