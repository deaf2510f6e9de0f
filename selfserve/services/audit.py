"""The audit row, written in the transaction of the deed it tells of."""

import re
from typing import Any

from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.models import AuditEvent
from selfserve.permissions import Actor

REFUSALS = (".failed", ".refused")
"""How the actions end that were not let through."""
_KEY = re.compile(r"sk-\S{29,}|\b[0-9a-f]{64}\b")
"""What may be a key's secret or its hash: people paste them where a name is asked for."""


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
    """Add one row; needs an open transaction. What is passed must hold no secret and no hash (S-45), nor does what
    somebody wrote: a key that is called by its secret is told without it.

    An action that ends with `.failed` or `.refused` is a refusal.
    """
    before, after = _without_keys(before or {}), _without_keys(after or {})
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


def _without_keys(told: Any) -> Any:
    """Blot out what may be a key, wherever it stands."""
    if isinstance(told, dict):
        return {name: _without_keys(value) for name, value in told.items()}
    if isinstance(told, (list, tuple)):
        return [_without_keys(each) for each in told]
    return _KEY.sub("(hidden)", told) if isinstance(told, str) else told
