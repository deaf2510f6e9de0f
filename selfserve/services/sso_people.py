"""People at their first sign-in through a provider: which addresses may, and the account that is made for them."""

import uuid

from selfserve.addresses import comparable
from selfserve.errors import Conflict, SignInRefused
from selfserve.identities import Identity, Rules
from selfserve.models import User
from selfserve.permissions import Actor, Client
from selfserve.schemas.users import UserCreate
from selfserve.services.users import add_user

AT_ONCE = "Somebody signed in with this account at the same moment. Try again."


def check_address(identity: Identity, rules: Rules, user: User | None = None) -> None:
    """Refuse an address of a domain that may not sign in, and at the first time one that nobody vouches for (S-21).

    It asks the database nothing, so that who proved nothing learns nothing. Raises SignInRefused.
    """
    if user is None and identity.email is None:
        why = f"{identity.label} tells us no e-mail address. Let it share yours, then sign in again."
        raise refused(identity, "no_address", why)
    if user is None and not identity.is_verified:
        why = f"{identity.label} does not say that this address is yours. Confirm it there, then sign in again."
        if not identity.is_hosted:
            why = f"{identity.label} does not host mail of this domain. Use the account of your company there."
        raise refused(identity, "unverified", why)
    address = identity.email if identity.is_verified else user.email if user else None
    if rules.domains and comparable(address or "").rpartition("@")[2] not in rules.domains:
        named = ", ".join(sorted(rules.domains))
        raise refused(identity, "domain", f"Only addresses of {named} may sign in.")


def add_person(identity: Identity, rules: Rules, client: Client) -> User:
    """Make an account for somebody whom nobody invited, where that is allowed; needs an open transaction."""
    if not rules.creates:
        why = "Nobody has invited this address yet. Ask an admin for an invitation."
        raise refused(identity, "unknown", why)
    role, user_id = identity.role or rules.default_role, str(uuid.uuid4())
    them = Actor(user_id, user_id, role, client=client)
    asked = UserCreate(user_id=user_id, user_email=identity.email, user_alias=identity.name, user_role=role)
    try:
        return add_user(them, asked)
    except Conflict:
        raise refused(identity, "at_once", AT_ONCE) from None


def refused(identity: Identity, reason: str, why: str, user: User | None = None) -> SignInRefused:
    """Refuse somebody, with the account that they proved to have at the provider."""
    refusal = SignInRefused(why, reason=reason, label=identity.label, account=identity.email)
    refusal.user_id = user.user_id if user else None
    return refusal
