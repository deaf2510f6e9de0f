"""Sending what waits. Nothing remote happens inside a transaction: a message is claimed, sent, and then noted."""

from collections.abc import Callable

from selfserve.config import Settings
from selfserve.mail_kinds import Channel
from selfserve.post.letters import alert_text, write_letter
from selfserve.post.smtp import Undelivered, post_letter
from selfserve.post.webhook import post_alert
from selfserve.services.deliveries import Claimed, claim_next, note_failed, note_sent

MOST_AT_ONCE = 100
"""Messages of one round: the lease is looked after between them, other work between rounds."""


def deliver_due(settings: Settings, is_still_ours: Callable[[], bool]) -> tuple[int, int]:
    """Send what waits, one by one, as long as the job is ours; tell how many went and how many did not."""
    went = failed = 0
    while went + failed < MOST_AT_ONCE and is_still_ours() and (claimed := claim_next()):
        try:
            send(settings, claimed)
        except Undelivered as error:
            note_failed(claimed, error.reason, is_final=error.is_final)
            failed += 1
            if not error.is_final:
                break  # the server is in trouble: others would wait for it, too
        except Exception:
            note_failed(claimed, "The message could not be written.", is_final=True)
            failed += 1
        else:
            note_sent(claimed)
            went += 1
    return went, failed


def send(settings: Settings, claimed: Claimed) -> None:
    """Send one message the way it goes. Raises Undelivered."""
    if claimed.channel is Channel.WEBHOOK:
        post_alert(settings, alert_text(settings, claimed))
        return
    letter = write_letter(settings, claimed)
    name = f"mail-{claimed.id}-{claimed.created_at:%Y%m%d%H%M%S}"
    post_letter(settings, claimed.recipient, letter, name=name, written_at=claimed.created_at)
