"""Trying the ways out at once, for an admin who wants to know whether they work."""

from contextlib import closing
from dataclasses import dataclass

from selfserve.clock import now
from selfserve.config import Settings
from selfserve.minting import mint_token
from selfserve.permissions import Actor, Permission
from selfserve.post.alerts import sample_text
from selfserve.post.letters import write_test
from selfserve.post.reasons import Undelivered
from selfserve.post.smtp import MailConnection
from selfserve.post.webhook import post_alert
from selfserve.services.actors import require


@dataclass(frozen=True)
class Tried:
    """What came of a try."""

    is_ok: bool
    sentence: str


def try_mail(actor: Actor, settings: Settings) -> Tried:
    """Send a mail to the one who asks, at once, and say what the mail server said to it."""
    require(actor, Permission.SETTINGS_UPDATE)
    if not actor.email:
        return Tried(False, "Your account has no address that a test could be sent to.")
    try:
        name = f"test-{mint_token()[:16]}"
        with closing(MailConnection(settings)) as connection:
            connection.post(actor.email, write_test(settings), name=name, written_at=now())
    except Undelivered as error:
        return Tried(False, error.reason)
    return Tried(True, f"{settings.smtp_host} took a mail to {actor.email}. See whether it arrives.")


def try_alert(actor: Actor, settings: Settings) -> Tried:
    """Send a sample to the webhook, at once, and say what it answered."""
    require(actor, Permission.SETTINGS_UPDATE)
    try:
        post_alert(settings, sample_text(settings))
    except Undelivered as error:
        return Tried(False, error.reason)
    return Tried(True, "The webhook took a sample. See whether it arrives.")
