"""Users deleted, with their keys, sessions and links."""

from sqlalchemy import ColumnElement

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.errors import NotFound
from selfserve.extensions import db
from selfserve.models import User
from selfserve.permissions import Actor, Permission
from selfserve.services import keys
from selfserve.services.actors import confirm, require
from selfserve.services.admins import keep_an_admin, take_turns
from selfserve.services.audit import record_event
from selfserve.services.key_deletes import delete_keys_of
from selfserve.services.tallies import add_to_tally
from selfserve.services.users import end_access, get_user, lock_users, tell_user


def delete_user(actor: Actor, row_id: str) -> User:
    """Delete a user: keys and sessions stop at once; spend and audit stay."""
    return _delete_all(actor, User.id.in_([row_id]), 1)[0]


def delete_users(actor: Actor, user_ids: list[str]) -> list[User]:
    """Delete users, all or none. Raises NotFound when one is unknown, Conflict for the last admin."""
    return _delete_all(actor, User.user_id.in_(user_ids), len(set(user_ids)))


def count_keys_of(actor: Actor, row_id: str) -> int:
    """Tell how many keys of a user work now, so that a deletion can say what will stop."""
    user = get_user(actor, row_id, Permission.USER_DELETE)
    return 0 if user.is_blocked else keys.count_active_keys_by_owner([user.id]).get(user.id, 0)


def _delete_all(actor: Actor, are_meant: ColumnElement[bool], expected: int) -> list[User]:
    """Delete the users who are meant, if all of them are there."""
    require(actor, Permission.USER_DELETE)
    with transaction():
        take_turns()
        confirm(actor, Permission.USER_DELETE)
        users = lock_users(are_meant)
        if len(users) < expected:
            raise NotFound("There is no such user. Nothing was deleted.", param="user_ids")
        moment = now()
        for user in users:
            keep_an_admin(user)
            user.deleted_at = moment
            db.session.flush()
        delete_keys_of(actor, users, moment)
        for user in users:
            end_access(user)
            record_event(actor, "user.deleted", "user", user.user_id, owner=user.user_id, before=tell_user(user))
        add_to_tally("users", -len(users))
    return users
