"""Users: made, listed, changed, blocked, deleted."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, select, update

from selfserve.addresses import comparable
from selfserve.clock import next_reset, now
from selfserve.database import conflicts, transaction
from selfserve.errors import Conflict, DomainError, Invalid, NotFound
from selfserve.extensions import db
from selfserve.models import Invitation, Session, User
from selfserve.permissions import Actor, Permission, Role, allows
from selfserve.schemas.keys import KeyCreate
from selfserve.schemas.users import UserChange, UserCreate, UserUpdate
from selfserve.services import keys
from selfserve.services.actors import confirm, require
from selfserve.services.audit import record_event
from selfserve.services.key_deletes import delete_keys_of
from selfserve.services.tallies import add_to_tally

AUTO_KEY_ALIAS = "made with the account"
_COLUMNS = {
    "user_email": "email",
    "user_alias": "alias",
    "models": "models",
    "metadata": "details",
    "tpm_limit": "tpm_limit",
    "rpm_limit": "rpm_limit",
    "max_parallel_requests": "max_parallel_requests",
}
_EMPTY: dict[str, Any] = {"models": list, "metadata": dict}


@dataclass(frozen=True)
class UserCreated:
    """A new user, and the key made with the account where one was asked for."""

    user: User
    key: keys.KeyCreated | None


def create_user(actor: Actor, command: UserCreate, *, with_key: bool) -> UserCreated:
    """Make a user, with a first key or without. Raises Conflict when the e-mail or the id is taken."""
    require(actor, Permission.USER_CREATE)
    with conflicts(_taken(command.user_email, command.user_id)), transaction():
        confirm(actor, Permission.USER_CREATE)
        user = add_user(actor, command)
        key = keys.add_key(actor, user, _first_key(command)) if with_key else None
        return UserCreated(user, key)


def add_user(actor: Actor, command: UserCreate) -> User:
    """Add a user's row; needs an open transaction. Raises Conflict when the e-mail or the id is taken."""
    with conflicts(_taken(command.user_email, command.user_id)):
        user = User(
            user_id=command.user_id or str(uuid.uuid4()),
            email=command.user_email,
            alias=command.user_alias,
            role=command.role.value,
            max_budget=command.max_budget,
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
        db.session.add(user)
    add_to_tally("users", 1)
    record_event(actor, "user.created", "user", user.user_id, owner=user.user_id, after=_told(user))
    return user


def get_user(actor: Actor, row_id: str, permission: Permission = Permission.USER_READ) -> User:
    """Get a user by the row's id. Raises Forbidden without the permission, NotFound out of reach or unknown."""
    return _seen(actor, permission, User.id == row_id)


def get_user_by_user_id(actor: Actor, user_id: str | None, permission: Permission = Permission.USER_READ) -> User:
    """Get a user by `user_id`, the actor's own row where none is named."""
    if user_id is None:
        return _seen(actor, permission, User.id == actor.id)
    return _seen(actor, permission, User.user_id == user_id)


def update_user(actor: Actor, command: UserUpdate) -> User:
    """Change what the command names; an explicit null clears. Raises NotFound for an unknown user: it never creates."""
    named = command.model_fields_set - {"user_id"} - ({"user_email"} if command.user_id is None else set())
    return _change(actor, _meant(command), command, named)


def change_role(actor: Actor, row_id: str, role: Role) -> User:
    """Give a user another role; their sessions and open links end."""
    return _change(actor, User.id == row_id, UserChange(user_role=role), {"user_role"})


def block_user(actor: Actor, row_id: str) -> User:
    """Block a user: sessions end, keys stop, at once."""
    return _change(actor, User.id == row_id, UserChange(blocked=True), {"blocked"})


def unblock_user(actor: Actor, row_id: str) -> User:
    """Unblock a user: the same keys work again."""
    return _change(actor, User.id == row_id, UserChange(blocked=False), {"blocked"})


def delete_user(actor: Actor, row_id: str) -> User:
    """Delete a user: keys and sessions stop at once; spend and audit stay."""
    return _delete_all(actor, User.id.in_([row_id]), 1)[0]


def delete_users(actor: Actor, user_ids: list[str]) -> list[User]:
    """Delete users, all or none. Raises NotFound when one is unknown, Conflict for the last admin."""
    return _delete_all(actor, User.user_id.in_(user_ids), len(set(user_ids)))


def count_keys_of(actor: Actor, row_id: str) -> int:
    """Tell how many keys of a user work now, so that a deletion can say what will stop."""
    user = get_user(actor, row_id, Permission.USER_DELETE)
    return keys.count_active_keys_by_owner([user.id]).get(user.id, 0)


def end_access(user: User) -> None:
    """End a user's sessions and open links; needs an open transaction."""
    db.session.execute(delete(Session).where(Session.user_pk == user.id))
    moment = now()
    db.session.execute(
        update(Invitation)
        .where(Invitation.user_pk == user.id, Invitation.accepted_at.is_(None), Invitation.ended_at.is_(None))
        .values(ended_at=moment, updated_at=moment)
    )


def living_users() -> Select[User]:
    """Select users, without the deleted ones and the reserved one."""
    return select(User).where(User.deleted_at.is_(None), User.is_reserved.is_(False))


def find_by_email(email: str) -> User | None:
    """Find the living user with an address, compared without regard to case."""
    return db.session.scalar(living_users().where(User.email_key == comparable(email)[:320]))


def lock_user(is_meant: ColumnElement[bool]) -> User | None:
    """Read the living user who is meant and keep others from changing them until the transaction ends."""
    return db.session.scalar(_locked(is_meant))


def _change(actor: Actor, condition: Any, command: UserChange, named: set[str]) -> User:
    """Change the named fields of the one user who is meant."""
    require(actor, Permission.USER_UPDATE)
    with conflicts(_taken(command.user_email, None)), transaction():
        user = _lock_for_change(actor, condition)
        before = _told(user)
        _apply_role_and_block(user, command, named)
        _apply_fields(user, command, named)
        record_event(actor, "user.updated", "user", user.user_id, owner=user.user_id, before=before, after=_told(user))
    return user


def _apply_fields(user: User, command: UserChange, named: set[str]) -> None:
    """Set the plain columns, and the budget as one."""
    if "user_email" in named and command.user_email is None and user.has_password:
        raise Invalid("user_email cannot be cleared: they sign in with it.", param="user_email")
    for field, column in _COLUMNS.items():
        if field in named:
            value = getattr(command, field)
            setattr(user, column, _EMPTY[field]() if value is None and field in _EMPTY else value)
    if named & {"max_budget", "budget_duration"}:
        user.set_budget(
            command.max_budget if "max_budget" in named else user.max_budget,
            command.budget_duration if "budget_duration" in named else user.budget_duration,
        )


def _delete_all(actor: Actor, condition: Any, expected: int) -> list[User]:
    """Delete the users who are meant, if all of them are there."""
    require(actor, Permission.USER_DELETE)
    with transaction():
        take_turns()
        confirm(actor, Permission.USER_DELETE)
        users = list(db.session.scalars(_locked(condition)))
        if len(users) < expected:
            raise NotFound("There is no such user. Nothing was deleted.", param="user_ids")
        moment = now()
        for user in users:
            _keep_an_admin(user)
            user.deleted_at = moment
            db.session.flush()
        delete_keys_of(actor, users, moment)
        for user in users:
            end_access(user)
            record_event(actor, "user.deleted", "user", user.user_id, owner=user.user_id, before=_told(user))
        add_to_tally("users", -len(users))
    return users


def _apply_role_and_block(user: User, command: UserChange, named: set[str]) -> None:
    """Change role and block, keep an admin, and end what the old state opened."""
    role = command.user_role.value if "user_role" in named and command.user_role else user.role
    is_blocked = bool(command.blocked) if "blocked" in named and command.blocked is not None else user.is_blocked
    if role == user.role and is_blocked == user.is_blocked:
        return
    if role != Role.PROXY_ADMIN or is_blocked:
        _keep_an_admin(user)
    user.role, user.is_blocked = role, is_blocked
    end_access(user)


def _lock_for_change(actor: Actor, condition: Any) -> User:
    """Wait for the turn, check the actor again, then lock the user."""
    take_turns()
    confirm(actor, Permission.USER_UPDATE)
    user = db.session.scalar(_locked(condition))
    if user is None or not allows(actor, Permission.USER_UPDATE, user.id):
        raise _unknown_user()
    return user


def _locked(condition: Any) -> Select[User]:
    """Select living users for a change, freshly read, in id order."""
    rows = living_users().where(condition).order_by(User.id).with_for_update()
    return rows.execution_options(populate_existing=True)


def take_turns() -> None:
    """Decide rules over several users (the last admin, the first one) one at a time, also across machines.

    The reserved row stands for them all: it has the smallest id, so whoever locks users in id order locks it first.
    """
    db.session.execute(select(User.id).where(User.is_reserved.is_(True)).with_for_update(key_share=True)).all()


def _keep_an_admin(user: User) -> None:
    """Refuse to remove the last admin, or the last one who can sign in (S-43); needs the turn."""
    if user.role != Role.PROXY_ADMIN or user.is_blocked:
        return
    others = list(db.session.scalars(_admins().where(User.id != user.id).execution_options(populate_existing=True)))
    if not others or (user.has_password and not any(other.has_password for other in others)):
        raise Conflict(f"{user.name} is the last proxy_admin. Make somebody else proxy_admin first.")


def _admins() -> Select[User]:
    """Select the admins who are not blocked."""
    return living_users().where(User.role == Role.PROXY_ADMIN.value, User.is_blocked.is_(False))


def _seen(actor: Actor, permission: Permission, condition: Any) -> User:
    """Get a user within the actor's reach. The reserved row is seen by those who act as it."""
    require(actor, permission)
    user = db.session.scalar(select(User).where(condition, User.deleted_at.is_(None)))
    if user is None or not allows(actor, permission, user.id) or (user.is_reserved and user.id != actor.id):
        raise _unknown_user()
    return user


def _unknown_user() -> NotFound:
    """Say that there is no such user, whether absent or out of sight."""
    return NotFound("There is no such user.", param="user_id")


def _meant(command: UserUpdate) -> Any:
    """Tell whom an update means: by id, else by e-mail."""
    if command.user_id is not None:
        return User.user_id == command.user_id
    return User.email_key == comparable(command.user_email or "")


def _first_key(command: UserCreate) -> KeyCreate:
    """Describe the key made with an account: the user's models, no budget of its own (it is on the user)."""
    return KeyCreate(
        key_alias=command.key_alias or AUTO_KEY_ALIAS, duration=command.duration, models=command.models or []
    )


def _taken(email: str | None, user_id: str | None) -> dict[str, DomainError]:
    """Name the two things that may be taken."""
    return {
        "uq_users_email_key": Conflict(f"User with email {email} already exists", param="user_email"),
        "uq_users_user_id": Conflict(f"User with id {user_id} already exists", param="user_id"),
    }


def _told(user: User) -> dict[str, Any]:
    """Tell the audit what a user looks like."""
    return {
        "email": user.email,
        "role": user.role,
        "blocked": user.is_blocked,
        "max_budget": user.max_budget,
        "budget_duration": user.budget_duration,
        "models": user.models,
    }
