"""The own account."""

from selfserve.database import transaction
from selfserve.errors import Invalid, Unauthenticated
from selfserve.extensions import db
from selfserve.models import User
from selfserve.permissions import Actor, Permission
from selfserve.schemas.account import PasswordChange
from selfserve.services import passwords, throttles
from selfserve.services.actors import require
from selfserve.services.audit import record_event
from selfserve.services.auth import add_session
from selfserve.services.holds import find_person
from selfserve.services.proofs import check_password
from selfserve.services.sign_in_changes import tell_of_password
from selfserve.services.users import end_access, lock_user


def get_account(actor: Actor) -> User:
    """Get the actor's own row, with what their running calls hold."""
    require(actor, Permission.ACCOUNT_READ)
    user = find_person(actor.id)
    if user is None:
        raise Unauthenticated("Please sign in again.")
    return user


def change_password(actor: Actor, command: PasswordChange, *, shortest: int) -> str:
    """Change the own password; every session ends, and the id of the new one is given back (S-9).

    Raises Invalid on the field that is wrong, TooMany after ten wrong current passwords.
    """
    require(actor, Permission.ACCOUNT_PASSWORD)
    user = get_account(actor)
    check_password(actor, user, command.current_password)
    passwords.check_new_password(command.new_password, shortest, [user.email, user.alias], param="new_password")
    if command.new_password == command.current_password:
        raise Invalid("Pick a password you do not have already.", param="new_password")
    password_hash = passwords.hash_password(command.new_password)
    with transaction():
        throttles.give_back(throttles.password_bucket(user.id))
        changed = lock_user(User.id == actor.id)
        if changed is None or changed.password_hash != user.password_hash:
            raise Unauthenticated("Your password was changed meanwhile. Please sign in again.")
        changed.set_password(password_hash)
        end_access(changed)
        db.session.flush()
        session_id = add_session(changed, actor.client)
        record_event(actor, "password.changed", "user", actor.user_id, owner=actor.user_id)
        tell_of_password(changed, actor.client)
    return session_id
