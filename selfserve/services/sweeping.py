"""What is over is removed: sessions, counted tries, sign-ins that came to nothing, old messages."""

from typing import Any

from sqlalchemy import delete, select

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.models import CliLogin, Session, SsoLogin
from selfserve.services import throttles
from selfserve.services.deliveries import sweep_mails


def sweep() -> None:
    """Remove what is over, some at a time; what somebody uses now is left for the next time."""
    with transaction(durable=False):
        throttles.sweep()
        _sweep(Session, Session.id_hash)
        _sweep(SsoLogin, SsoLogin.state_hash)
        _sweep(CliLogin, CliLogin.id)
        sweep_mails()


def _sweep(model: Any, key: Any) -> None:
    """Remove rows whose time is over; needs an open transaction without other locks."""
    over = select(key).where(model.expires_at <= now()).limit(throttles.MOST_SWEPT).with_for_update(skip_locked=True)
    db.session.execute(delete(model).where(key.in_(over)))
