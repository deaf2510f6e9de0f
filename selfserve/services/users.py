"""Users: made and found."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, or_, select, update

from selfserve.addresses import comparable
from selfserve.clock import next_reset, now
from selfserve.database import conflicts, transaction
from selfserve.errors import Conflict, DomainError, NotFound
from selfserve.extensions import db
from selfserve.models import CliLogin, Invitation, ResetLink, Session, User
from selfserve.permissions import Actor, Permission, allows
from selfserve.proofs import Sensitive, power
from selfserve.schemas.keys import KeyCreate
from selfserve.schemas.users import UserCreate
from selfserve.services import keys
from selfserve.services.actors import confirm, require, require_proof
from selfserve.services.audit import record_event
from selfserve.services.tallies import add_to_tally
from selfserve.ways_in import passwords_are_off

AUTO_KEY_ALIAS = "made with the account"


@dataclass(frozen=True)
class UserCreated:
    """A new user, and the key made with the account where one was asked for."""

    user: User
    key: keys.KeyCreated | None


def create_user(actor: Actor, command: UserCreate, *, with_key: bool) -> UserCreated:
    """Make a user, with a first key or without. Raises Conflict when the e-mail or the id is taken."""
    require(actor, Permission.USER_CREATE)
    with conflicts(taken(command.user_email, command.user_id)), transaction():
        confirm(actor, Permission.USER_CREATE)
        return add_user_with_key(actor, command, with_key=with_key)


def add_user_with_key(actor: Actor, command: UserCreate, *, with_key: bool) -> UserCreated:
    """Add a user and, if asked for, their first key; needs an open transaction."""
    user = add_user(actor, command)
    return UserCreated(user, keys.add_key(actor, user, _first_key(command)) if with_key else None)


def add_user(actor: Actor, command: UserCreate) -> User:
    """Add a user's row; needs an open transaction.

    Raises Conflict when the e-mail or the id is taken, ProofNeeded for an admin.
    """
    if power(command.role):
        require_proof(actor, Sensitive.PROMOTE)
    with conflicts(taken(command.user_email, command.user_id)):
        user = User(
            user_id=command.user_id or str(uuid.uuid4()),
            email=command.user_email,
            alias=command.user_alias,
            role=command.role.value,
            max_budget=command.max_budget,
            soft_budget=command.soft_budget,
            budget_duration=command.budget_duration,
            budget_reset_at=next_reset(command.budget_duration, now()) if command.budget_duration else None,
            window_spend=command.spend or 0,
            total_spend=command.spend or 0,
            models=command.models or [],
            details=command.metadata or {},
            tpm_limit=command.tpm_limit,
            rpm_limit=command.rpm_limit,
            max_parallel_requests=command.max_parallel_requests,
            created_by=actor.user_id,
        )
        user.refuse_idle_warning()
        db.session.add(user)
    add_to_tally("users", 1)
    record_event(actor, "user.created", "user", user.user_id, owner=user.user_id, after=tell_user(user))
    return user


def get_user(actor: Actor, row_id: str, permission: Permission = Permission.USER_READ) -> User:
    """Get a user by the row's id. Raises Forbidden without the permission, NotFound out of reach or unknown."""
    return _seen(actor, permission, User.id == row_id)


def get_user_by_user_id(actor: Actor, user_id: str | None, permission: Permission = Permission.USER_READ) -> User:
    """Get a user by `user_id`, the actor's own row where none is named."""
    if user_id is None:
        return _seen(actor, permission, User.id == actor.id)
    return _seen(actor, permission, User.user_id == user_id)


def end_access(user: User) -> None:
    """End a user's sessions, open links and, if they stay, sign-ins of programs without a key; needs a transaction."""
    db.session.execute(delete(Session).where(Session.user_pk == user.id))
    moment = now()
    db.session.execute(
        update(Invitation)
        .where(Invitation.user_pk == user.id, Invitation.accepted_at.is_(None), Invitation.ended_at.is_(None))
        .values(ended_at=moment, updated_at=moment)
    )
    end_reset_links(user)
    if user.deleted_at is None:
        db.session.execute(delete(CliLogin).where(CliLogin.user_pk == user.id))


def end_reset_links(user: User, *, are_asked_for: bool = False) -> None:
    """End a user's open reset links, or those that were asked for by whoever did; needs an open transaction."""
    are_open = update(ResetLink).where(
        ResetLink.user_pk == user.id, ResetLink.used_at.is_(None), ResetLink.ended_at.is_(None)
    )
    are_meant = are_open.where(ResetLink.created_by.is_(None)) if are_asked_for else are_open
    db.session.execute(are_meant.values(ended_at=now()))


def living_users() -> Select[User]:
    """Select users, without the deleted ones and the reserved one."""
    return select(User).where(User.deleted_at.is_(None), User.is_reserved.is_(False))


def can_sign_in() -> ColumnElement[bool]:
    """Say that users have a way in; `User.can_sign_in` says it in Python."""
    is_bound = User.sso_subject.is_not(None)
    return is_bound if passwords_are_off() else or_(is_bound, User.password_hash.is_not(None))


def has_no_way_in() -> ColumnElement[bool]:
    """Say the opposite, as the index of those who were invited says it."""
    is_unbound = User.sso_subject.is_(None)
    return is_unbound if passwords_are_off() else is_unbound & User.password_hash.is_(None)


def find_by_email(email: str) -> User | None:
    """Find the living user with an address, compared without regard to case."""
    return db.session.scalar(living_users().where(User.email_key == comparable(email)[:320]))


def lock_user(is_meant: ColumnElement[bool]) -> User | None:
    """Read the living user who is meant and keep others from changing them until the transaction ends."""
    return next(iter(lock_users(is_meant)), None)


def lock_users(are_meant: ColumnElement[bool]) -> list[User]:
    """Read living users for a change, freshly, in id order."""
    rows = living_users().where(are_meant).order_by(User.id).with_for_update()
    return list(db.session.scalars(rows.execution_options(populate_existing=True)))


def unknown_user() -> NotFound:
    """Say that there is no such user, whether absent or out of sight."""
    return NotFound("There is no such user.", param="user_id")


def taken(email: str | None, user_id: str | None = None) -> dict[str, DomainError]:
    """Name the two things that may be taken."""
    return {
        "uq_users_email_key": Conflict(f"User with email {email} already exists", param="user_email"),
        "uq_users_user_id": Conflict(f"User with id {user_id} already exists", param="user_id"),
    }


def tell_user(user: User) -> dict[str, Any]:
    """Tell the audit what a user looks like."""
    return {
        "alias": user.alias,
        "email": user.email,
        "role": user.role,
        "blocked": user.is_blocked,
        "must_change_password": user.must_change_password,
        "max_budget": user.max_budget,
        "soft_budget": user.soft_budget,
        "budget_duration": user.budget_duration,
        "models": user.models,
        "rpm_limit": user.rpm_limit,
        "tpm_limit": user.tpm_limit,
        "max_parallel_requests": user.max_parallel_requests,
    }


def _seen(actor: Actor, permission: Permission, condition: Any) -> User:
    """Get a user within the actor's reach. The reserved row is seen by those who act as it."""
    require(actor, permission)
    user = db.session.scalar(select(User).where(condition, User.deleted_at.is_(None)))
    if user is None or not allows(actor, permission, user.id) or (user.is_reserved and user.id != actor.id):
        raise unknown_user()
    return user


def _first_key(command: UserCreate) -> KeyCreate:
    """Describe the key made with an account: the user's models, no budget of its own (it is on the user)."""
    return KeyCreate(
        key_alias=command.key_alias or AUTO_KEY_ALIAS, duration=command.duration, models=command.models or []
    )
