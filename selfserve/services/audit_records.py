"""The audit log as programs read it: LiteLLM's documented words first, then what it has no words for."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import false, select

from selfserve.errors import Invalid, NotFound
from selfserve.extensions import db
from selfserve.models import AuditEvent
from selfserve.money import to_dollars
from selfserve.permissions import Actor, Permission
from selfserve.schemas.audit import AuditQuery
from selfserve.services.actors import require
from selfserve.services.audit_walks import Walks, are_meant_by, find_keys, is_about, within
from selfserve.services.paging import MOST_COUNTED, Order, pages

TABLES = {
    "key": "LiteLLM_VerificationToken",
    "user": "LiteLLM_UserTable",
    "invitation": "LiteLLM_InvitationLink",
}
"""The documented names of the tables that things stand in; what LiteLLM does not have goes by our word."""
KINDS = (*TABLES, "price", "settings", "tries", "audit")
"""What a deed may be done to."""
NOUNS = (*KINDS, "login", "session", "password", "reset", "sso", "cli")
"""How our actions begin, where the documented word is what follows: `key.rotated` is `rotated`."""
_AMOUNTS = ("max_budget", "soft_budget", "spend")


@dataclass(frozen=True)
class RecordPage:
    """A numbered page of the API."""

    records: list[dict[str, Any]]
    total: int
    total_pages: int


def list_records(actor: Actor, query: AuditQuery) -> RecordPage:
    """List events by numbered pages. Raises Invalid beyond what is counted: dates lead there."""
    require(actor, Permission.AUDIT_READ)
    if query.page * query.page_size > MOST_COUNTED:
        raise Invalid(f"A list is {MOST_COUNTED:,} events long at most. Ask by start_date and end_date.", param="page")
    walks = _asked_for(query)
    total = min(walks.count(MOST_COUNTED + 1), MOST_COUNTED)
    order = Order(AuditEvent.at, AuditEvent.id, is_ascending=query.sort_order == "asc")
    found = db.session.execute(walks.ids(order, query.page * query.page_size)).all()
    ids = [row.id for row in found[(query.page - 1) * query.page_size :]]
    return RecordPage([tell_record(event) for event in read_events(ids)], total, pages(total, query.page_size))


def get_record(actor: Actor, name: str) -> dict[str, Any]:
    """Get one event. Raises NotFound."""
    require(actor, Permission.AUDIT_READ)
    found = read_events(ids_named(name))
    if not found:
        raise unknown_event()
    return tell_record(found[0])


def ids_named(name: str) -> list[int]:
    """Read the number of an event out of an address, if it is one."""
    return [int(name)] if re.fullmatch(r"[1-9]\d{0,17}", name, re.ASCII) else []


def unknown_event() -> NotFound:
    """Say that an event is not there, for whatever reason."""
    return NotFound("There is no such event, or not any more.", param="id")


def read_events(ids: list[int]) -> list[AuditEvent]:
    """Read events in the order of their ids as given."""
    found = {event.id: event for event in db.session.scalars(select(AuditEvent).where(AuditEvent.id.in_(ids)))}
    return [found[event_id] for event_id in ids if event_id in found]


def tell_record(event: AuditEvent) -> dict[str, Any]:
    """Tell an event in the words of the wire, documented ones first; amounts in dollars."""
    return {
        "id": str(event.id),
        "updated_at": event.at,
        "changed_by": event.actor_user_id,
        "changed_by_api_key": event.actor_key_id,
        "action": event.action.rpartition(".")[2],
        "table_name": TABLES.get(event.object_type, event.object_type),
        "object_id": event.object_id,
        "before_value": _in_dollars(event.before),
        "updated_values": _in_dollars(event.after),
        "event": event.action,
        "result": "refused" if event.is_refused else "done",
        "changed_by_role": event.actor_role,
        "owner_user_id": event.owner_user_id,
        "source": event.source,
        "address": event.address,
        "request_id": event.request_id,
    }


def _in_dollars(told: dict[str, Any]) -> dict[str, Any]:
    """Write the amounts in dollars."""
    return told | {name: float(to_dollars(told[name])) for name in _AMOUNTS if isinstance(told.get(name), int)}


def _asked_for(query: AuditQuery) -> Walks:
    """Say the documented filters of `/audit`."""
    walks = Walks(within(query.begin, query.end))
    if query.changed_by:
        walks.conditions.append(AuditEvent.actor_user_id == query.changed_by)
    if query.object_team_id:
        walks.conditions.append(false())
    if query.changed_by_api_key:
        walks.conditions.append(AuditEvent.actor_key_id.in_(find_keys(query.changed_by_api_key)))
    if query.object_key_hash:
        walks.choices.append([is_about("key", key_id) for key_id in find_keys(query.object_key_hash)] or [false()])
    if query.action:
        words = [query.action, *(f"{noun}.{query.action}" for noun in NOUNS)]
        walks.choices.append([AuditEvent.action == word for word in words])
    kinds = [kind for kind in KINDS if query.table_name in (None, kind, TABLES.get(kind))]
    if query.object_id:
        walks.choices.append([is_about(kind, query.object_id) for kind in kinds] or [false()])
    elif query.table_name:
        walks.choices.append([AuditEvent.object_type == kind for kind in kinds] or [false()])
    if query.search:
        walks.choices.append(are_meant_by(query.search)[0])
    return walks
