"""The audit log by curl: LiteLLM's documented calls."""

from typing import Any

from flask import Blueprint

from selfserve.errors import NotFound
from selfserve.permissions import Permission
from selfserve.schemas.audit import AuditLog, AuditLogs, AuditQuery
from selfserve.services import audit_records
from selfserve.web.guards import current_actor, requires
from selfserve.web.render import accepts, raises, returns

api = Blueprint("audit_api", __name__)


@api.get("/audit")
@requires(Permission.AUDIT_READ)
@accepts(AuditQuery)
@returns(AuditLogs)
def list_events(query: AuditQuery) -> dict[str, Any]:
    """List what was done, newest first: by whom, to what, from where, with what it was before and after."""
    found = audit_records.list_records(current_actor(), query)
    return {
        "audit_logs": found.records,
        "total": found.total,
        "page": query.page,
        "page_size": query.page_size,
        "total_pages": found.total_pages,
    }


@api.get("/audit/<event_id>")
@requires(Permission.AUDIT_READ)
@returns(AuditLog)
@raises(NotFound)
def get_event(event_id: str) -> dict[str, Any]:
    """Give one event."""
    return audit_records.get_record(current_actor(), event_id)
