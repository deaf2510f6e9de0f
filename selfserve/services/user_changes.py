"""Users changed, blocked and unblocked."""

from typing import Any

from sqlalchemy import ColumnElement

from selfserve.addresses import comparable
from selfserve.database import conflicts, transaction
from selfserve.errors import Invalid
from selfserve.models import User
from selfserve.permissions import Actor, Permission, Role, allows
from selfserve.proofs import Sensitive, power
from selfserve.schemas.users import UserChange, UserUpdate
from selfserve.services.actors import confirm, require, require_proof
from selfserve.services.admins import keep_an_admin, take_turns
from selfserve.services.audit import record_event
from selfserve.services.sign_in_changes import tell_of_address
from selfserve.services.users import end_access, lock_user, taken, tell_user, unknown_user

_COLUMNS = {
    "user_email": "email",
    "user_alias": "alias",
    "soft_budget": "soft_budget",
    "models": "models",
    "metadata": "details",
    "tpm_limit": "tpm_limit",
    "rpm_limit": "rpm_limit",
    "max_parallel_requests": "max_parallel_requests",
}
_EMPTY: dict[str, Any] = {"models": list, "metadata": dict}


def update_user(actor: Actor, command: UserUpdate) -> User:
    """Change what the command names; an explicit null clears. Raises NotFound for an unknown user: it never creates."""
    named = command.model_fields_set - {"user_id"} - ({"user_email"} if command.user_id is None else set())
    return _change(actor, _meant(command), command, named)


def edit_user(actor: Actor, row_id: str, command: UserChange, shown: str | None) -> User:
    """Change what the command names of the user with this row id, if it is still what was shown.

    Raises NotFound, Stale, Conflict, Invalid (no address).
    """
    return _change(actor, User.id == row_id, command, set(command.model_fields_set), shown)


def change_role(actor: Actor, row_id: str, role: Role) -> User:
    """Give a user another role; their sessions and open links end."""
    return _change(actor, User.id == row_id, UserChange(user_role=role), {"user_role"})


def block_user(actor: Actor, row_id: str) -> User:
    """Block a user: sessions end, keys stop, at once."""
    return _change(actor, User.id == row_id, UserChange(blocked=True), {"blocked"})


def unblock_user(actor: Actor, row_id: str) -> User:
    """Unblock a user: the same keys work again."""
    return _change(actor, User.id == row_id, UserChange(blocked=False), {"blocked"})


def _change(
    actor: Actor, is_meant: ColumnElement[bool], command: UserChange, named: set[str], shown: str | None = None
) -> User:
    """Change the named fields of the one user who is meant."""
    require(actor, Permission.USER_UPDATE)
    with conflicts(taken(command.user_email)), transaction():
        user = _lock_for_change(actor, is_meant)
        user.refuse_stale(shown)
        before, opened_for = tell_user(user), _door(user)
        _apply_role_and_block(user, command, named)
        _apply_fields(user, command, named)
        if _door(user) != opened_for:
            end_access(user)
        _require_proof(actor, before, after := tell_user(user))
        if user.email_key != comparable(before["email"] or ""):
            tell_of_address(actor, user, before["email"])
        record_event(actor, "user.updated", "user", user.user_id, owner=user.user_id, before=before, after=after)
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
    if "must_change_password" in named:
        user.must_change_password = bool(command.must_change_password)
    user.refuse_idle_warning()


def _apply_role_and_block(user: User, command: UserChange, named: set[str]) -> None:
    """Change role and block, and keep an admin."""
    role = command.user_role.value if "user_role" in named and command.user_role else user.role
    is_blocked = bool(command.blocked) if "blocked" in named and command.blocked is not None else user.is_blocked
    if role == user.role and is_blocked == user.is_blocked:
        return
    if role != Role.PROXY_ADMIN or is_blocked:
        keep_an_admin(user)
    user.role, user.is_blocked = role, is_blocked


def _door(user: User) -> tuple[str, bool, str | None]:
    """Tell what sessions and open links were given to; what was opened by another role or address ends (S-20)."""
    return user.role, user.is_blocked, user.email_key


def _require_proof(actor: Actor, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Want proof from who makes somebody an admin, or lets one in again, or changes an address (S-39)."""
    had, has = (power(told["role"], is_blocked=told["blocked"]) for told in (before, after))
    if has > had:
        require_proof(actor, Sensitive.PROMOTE)
    if after["email"] != before["email"]:
        require_proof(actor, Sensitive.ADDRESS)


def _lock_for_change(actor: Actor, is_meant: ColumnElement[bool]) -> User:
    """Wait for the turn, check the actor again, then lock the user."""
    take_turns()
    confirm(actor, Permission.USER_UPDATE)
    user = lock_user(is_meant)
    if user is None or not allows(actor, Permission.USER_UPDATE, user.id):
        raise unknown_user()
    return user


def _meant(command: UserUpdate) -> ColumnElement[bool]:
    """Tell whom an update means: by id, else by e-mail."""
    if command.user_id is not None:
        return User.user_id == command.user_id
    return User.email_key == comparable(command.user_email or "")
