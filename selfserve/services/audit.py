"""The audit row, written in the transaction of the deed it tells of."""

from typing import Any

from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.models import AuditEvent
from selfserve.permissions import Actor

REFUSALS = (".failed", ".refused")
"""How the actions end that were not let through."""


def record_event(
    actor: Actor,
    action: str,
    noun: str,
    object_id: str | None,
    *,
    owner: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add one row; needs an open transaction. What is passed must hold no secret and no hash (S-45).

    An action that ends with `.failed` or `.refused` is a refusal.
    """
    before, after = before or {}, after or {}
    db.session.add(
        AuditEvent(
            actor_user_id=actor.user_id or None,
            actor_role=actor.role.value if actor.user_id else None,
            actor_key_id=actor.key.id if actor.key else None,
            source=actor.client.source,
            address=actor.client.address,
            request_id=actor.client.request_id,
            action=action,
            object_type=noun,
            object_id=object_id,
            owner_user_id=owner,
            before=before,
            after=after,
            is_refused=action.endswith(REFUSALS),
            is_role_change="role" in before and "role" in after and before["role"] != after["role"],
        )
    )


def note_try(actor: Actor, what: str, *, is_ok: bool) -> None:
    """Write down that somebody had the portal ask another server, such as an upstream, and whether it answered well."""
    with transaction(durable=False):
        record_event(actor, "settings.tried", "settings", what, after={"worked": is_ok})
