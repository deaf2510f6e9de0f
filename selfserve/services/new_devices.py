"""Sign-ins from a device that somebody never signed in from before: they are told of it by mail."""

from sqlalchemy import select

from selfserve.devices import device
from selfserve.extensions import db
from selfserve.mail_kinds import MailKind
from selfserve.models import AuditEvent, User
from selfserve.permissions import Client
from selfserve.services.outbox import can_be_mailed, queue_mail
from selfserve.ways_in import passwords_are_off

REMEMBERED = 200
"""Sign-ins of somebody that are looked at: the newest."""


def tell_of_new_device(user: User, client: Client, *, is_first: bool, provider: str | None = None) -> None:
    """Write to somebody who signs in from a device not seen before, if it is not their first sign-in.

    What the log forgot (`SELFSERVE_AUDIT_RETENTION`) is not known any more: every device is new then. Needs an open
    transaction, before this sign-in itself is on record.
    """
    if is_first or not can_be_mailed(user):
        return
    here = device(client.user_agent)
    if here not in _known_devices(user):
        whence = {"device": here, "address": client.address, "provider": provider}
        has_password = user.has_password and not passwords_are_off()
        facts = whence | {"has_password": has_password}
        queue_mail(MailKind.NEW_SIGN_IN, user, subject_id=user.id, facts=facts)


def _known_devices(user: User) -> set[str]:
    """Tell which devices somebody signed in from lately, as the audit log knows it."""
    mine = AuditEvent.owner_user_id == user.user_id, AuditEvent.action == "login.succeeded"
    newest = select(AuditEvent.after).where(*mine).order_by(AuditEvent.id.desc()).limit(REMEMBERED)
    return {after.get("device", "") for after in db.session.scalars(newest)}
