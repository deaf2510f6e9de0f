"""The rule of the last admin: somebody can always sign in and manage the others (S-43)."""

from sqlalchemy import Select, select

from selfserve.errors import Conflict
from selfserve.extensions import db
from selfserve.models import User
from selfserve.permissions import Role
from selfserve.services.users import living_users


def take_turns() -> None:
    """Decide rules over several users (the last admin, the first one) one at a time, also across machines.

    The reserved row stands for them all: it has the smallest id, so whoever locks users in id order locks it first.
    """
    db.session.execute(select(User.id).where(User.is_reserved.is_(True)).with_for_update(key_share=True)).all()


def keep_an_admin(user: User) -> None:
    """Refuse to remove the last admin, or the last one who can sign in (S-43); needs the turn."""
    if user.role != Role.PROXY_ADMIN or user.is_blocked:
        return
    others = list(db.session.scalars(_admins().where(User.id != user.id).execution_options(populate_existing=True)))
    if not others or (user.can_sign_in and not any(other.can_sign_in for other in others)):
        raise Conflict(f"{user.name} is the last proxy_admin. Make somebody else proxy_admin first.")


def _admins() -> Select[User]:
    """Select the admins who are not blocked."""
    return living_users().where(User.role == Role.PROXY_ADMIN.value, User.is_blocked.is_(False))
