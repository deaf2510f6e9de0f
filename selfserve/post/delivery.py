"""Sending what waits. Nothing remote happens inside a transaction: a message is claimed, sent, and then noted."""

from collections.abc import Callable
from contextlib import closing
from time import monotonic

from selfserve.config import Settings
from selfserve.mail_kinds import Channel, Trouble
from selfserve.post.alerts import alert_text
from selfserve.post.letters import write_letter
from selfserve.post.reasons import Undelivered
from selfserve.post.smtp import MailConnection
from selfserve.post.webhook import post_alert
from selfserve.services.deliveries import Claimed, claim_next, note_failed, note_sent

MOST_AT_ONCE = 100
"""Messages of one round: the lease is looked after between them, other work between rounds."""
ROUND = 30
"""Seconds after which a round begins no other message; together with what one may take that is a lease at most."""


def deliver_due(settings: Settings, is_still_ours: Callable[[], bool]) -> tuple[int, int]:
    """Send what waits, one by one, as long as the job is ours; tell how many went and how many did not.

    A way out that is in trouble is left alone until the next round: others would wait for it, too.
    """
    went = failed = 0
    ways, ends = set(Channel), monotonic() + ROUND
    with closing(MailConnection(settings)) as connection:
        while went + failed < MOST_AT_ONCE and monotonic() < ends and is_still_ours():
            if not ways or not (claimed := claim_next(ways)):
                break
            trouble = _deliver(settings, connection, claimed)
            went, failed = (went, failed + 1) if trouble else (went + 1, failed)
            if trouble is Trouble.SERVER:
                ways.discard(claimed.channel)
    return went, failed


def _deliver(settings: Settings, connection: MailConnection, claimed: Claimed) -> Trouble | None:
    """Send one message and note what came of it; tell where it failed, if it did."""
    try:
        send(settings, connection, claimed)
    except Undelivered as error:
        note_failed(claimed, error.reason, error.trouble, is_final=error.is_final)
        return error.trouble
    except Exception:
        note_failed(claimed, "The message could not be written.", Trouble.OURS, is_final=True)
        return Trouble.OURS
    note_sent(claimed)
    return None


def send(settings: Settings, connection: MailConnection, claimed: Claimed) -> None:
    """Send one message the way it goes. Raises Undelivered."""
    if claimed.channel is Channel.WEBHOOK:
        post_alert(settings, alert_text(settings, claimed))
        return
    letter = write_letter(settings, claimed)
    name = f"mail-{claimed.id}-{claimed.created_at:%Y%m%d%H%M%S}"
    connection.post(claimed.recipient, letter, name=name, written_at=claimed.created_at)
