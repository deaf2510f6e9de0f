"""What is over is removed: sessions, counted tries, sign-ins that came to nothing, old links and messages."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.models import CliLogin, ResetLink, Session, SsoLogin
from selfserve.services import throttles
from selfserve.services.deliveries import sweep_mails

LINKS_KEPT = timedelta(days=30)
"""How long who asked for a reset link when can be looked up."""


def sweep() -> None:
    """Remove what is over, some at a time; what somebody uses now is left for the next time."""
    with transaction(durable=False):
        throttles.sweep()
        _sweep(Session, Session.id_hash)
        _sweep(SsoLogin, SsoLogin.state_hash)
        _sweep(CliLogin, CliLogin.id)
        _sweep(ResetLink, ResetLink.id, LINKS_KEPT)
        sweep_mails()


def _sweep(model: Any, key: Any, kept: timedelta = timedelta()) -> None:
    """Remove rows whose time is over for so long; needs an open transaction without other locks."""
    is_over = model.expires_at <= now() - kept
    over = select(key).where(is_over).limit(throttles.MOST_SWEPT).with_for_update(skip_locked=True)
    db.session.execute(delete(model).where(key.in_(over)))
