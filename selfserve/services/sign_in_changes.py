"""What is told by mail to somebody whose way in is another one now; all of it needs an open transaction."""

from typing import Any

from selfserve.devices import device
from selfserve.mail_kinds import MailKind
from selfserve.models import User
from selfserve.permissions import Actor, Client
from selfserve.services.outbox import by, queue_mail


def tell_of_password(user: User, client: Client) -> None:
    """Write to somebody that their password is another one now."""
    queue_mail(MailKind.PASSWORD_CHANGED, user, facts=_whence(client))


def tell_of_link(user: User, client: Client, provider: str, *, had_password: bool) -> None:
    """Write to somebody that their account belongs to one of a provider now, and whether that ended a password."""
    facts = {"what": "linked", "provider": provider, "had_password": had_password}
    queue_mail(MailKind.SIGN_IN_CHANGED, user, facts=facts | _whence(client))


def tell_of_parting(actor: Actor, user: User) -> None:
    """Write to somebody that their account belongs to none of a provider any more."""
    facts = {"what": "parted", "by": by(actor, user), "can_sign_in": user.can_sign_in}
    queue_mail(MailKind.SIGN_IN_CHANGED, user, facts=facts)


def tell_of_address(actor: Actor, user: User, former: str | None) -> None:
    """Write to the address that somebody has now and to the one they had, neither of which learns the other."""
    facts = {"by": by(actor, user)}
    if user.email:
        queue_mail(MailKind.SIGN_IN_CHANGED, user, facts=facts | {"what": "address"})
    if former:
        queue_mail(MailKind.SIGN_IN_CHANGED, user, facts=facts | {"what": "former_address"}, to=former)


def _whence(client: Client) -> dict[str, Any]:
    """Tell from where something was done."""
    return {"address": client.address, "device": device(client.user_agent)}
