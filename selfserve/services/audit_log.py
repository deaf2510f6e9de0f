"""The audit log in the browser: pages of sentences, one event in full, a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import aliased

from selfserve.clock import now
from selfserve.database import end_read, transaction
from selfserve.errors import Invalid
from selfserve.extensions import db
from selfserve.models import ApiKey, AuditEvent
from selfserve.permissions import MASTER_USER_ID, Actor, Permission
from selfserve.schemas.audit import FAILED_SIGN_INS, ROLE_CHANGES, AuditFilter
from selfserve.services.activity import Activity, select_named, tell
from selfserve.services.actors import require
from selfserve.services.audit import record_event
from selfserve.services.audit_records import ids_named, read_events, tell_record, unknown_event
from selfserve.services.audit_walks import NEWEST_FIRST, Walks, are_meant_by, is_about, within
from selfserve.services.paging import ROWS_PER_PAGE, Order, read_cursor, write_cursor

MOST_EXPORTED = 100_000
AT_ONCE = 1_000
COLUMNS = (
    *("id", "updated_at", "changed_by", "changed_by_role", "changed_by_api_key", "event", "result", "table_name"),
    *("object_id", "owner_user_id", "source", "address", "request_id", "before_value", "updated_values"),
)
"""Of a file, in the words of the API."""
SIGN_INS = ("login.failed", "login.refused")
"""How sign-ins fail: by a password, or by another way."""
_OLDEST_FIRST = Order(AuditEvent.at, AuditEvent.id, is_ascending=True)


@dataclass(frozen=True)
class Entry:
    """One event: as it is told, as it stands, and with the ids of whom and what it names."""

    told: Activity
    event: AuditEvent
    doer: str
    doer_id: str | None
    owner_id: str | None
    used_key: str | None
    """The name of the key that somebody came with."""


@dataclass(frozen=True)
class LogPage:
    """Some events, newest first, and where those before and after them begin."""

    items: list[Entry]
    newer: str | None
    older: str | None
    is_cut: bool
    """Whether the words that are searched for may mean more than was looked at."""


def list_log(actor: Actor, wanted: AuditFilter) -> LogPage:
    """List the events that pass the filters, a page of them."""
    require(actor, Permission.AUDIT_READ)
    walks, is_cut = _asked_for(wanted)
    found = _newer_rows(walks, wanted.newer) if wanted.newer else []
    has_newer = len(found) > ROWS_PER_PAGE
    if has_newer:
        found = found[:ROWS_PER_PAGE][::-1]
        older: Any = found[-1]
    else:
        found, has_newer = _older_rows(walks, wanted.older), bool(wanted.older and not wanted.newer)
        older = found[ROWS_PER_PAGE - 1] if len(found) > ROWS_PER_PAGE else None
    items = _entries(actor, [row.id for row in found[:ROWS_PER_PAGE]])
    newer = write_cursor(*found[0]) if has_newer and found else None
    return LogPage(items, newer, write_cursor(*older) if older else None, is_cut)


def get_entry(actor: Actor, name: str) -> Entry:
    """Get one event. Raises NotFound."""
    require(actor, Permission.AUDIT_READ)
    found = _entries(actor, ids_named(name))
    if not found:
        raise unknown_event()
    return found[0]


def export_log(actor: Actor, wanted: AuditFilter, file: Literal["csv", "jsonl"]) -> Iterator[dict[str, Any]]:
    """Give the events that pass the filters, newest first, a thousand at a time; between two no connection is held.

    That they were taken along is written down first. Raises Invalid at once for more than a file holds.
    """
    require(actor, Permission.AUDIT_READ)
    walks, _ = _asked_for(wanted)
    walks.conditions += within(None, now())
    count = walks.count(MOST_EXPORTED + 1)
    if count > MOST_EXPORTED:
        raise Invalid(f"That is more than {MOST_EXPORTED:,} events, which is the most a file holds. Choose fewer days.")
    with transaction():
        told = {"file": file, "events": count} | _filters_told(wanted)
        record_event(actor, "audit.downloaded", "audit", None, after=told)
    return _records(walks)


def _records(walks: Walks) -> Iterator[dict[str, Any]]:
    """Walk along the log, each batch from where the last one ended: events are only ever added."""
    beyond: list[Any] = []
    while True:
        found = db.session.execute(walks.ids(NEWEST_FIRST, AT_ONCE, *beyond)).all()
        events = read_events([row.id for row in found])
        end_read()
        yield from map(tell_record, events)
        if len(found) < AT_ONCE:
            return
        beyond = [NEWEST_FIRST.beyond(*found[-1])]


def _filters_told(wanted: AuditFilter) -> dict[str, Any]:
    """Tell which filters there were; words that were searched for may be a secret, such as a link (S-45)."""
    filters = wanted.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"q", "older", "newer"})
    return filters | ({"searched": True} if wanted.q else {})


def _asked_for(wanted: AuditFilter) -> tuple[Walks, bool]:
    """Say the filters of the page; tell also whether the words may mean more than is looked at."""
    walks = Walks(within(wanted.begin, wanted.end))
    if wanted.actor:
        walks.conditions.append(AuditEvent.actor_user_id == wanted.actor)
    if wanted.about:
        kind, _, object_id = wanted.about.partition(":")
        walks.conditions.append(is_about(kind, object_id))
    if wanted.action == ROLE_CHANGES:
        walks.conditions.append(AuditEvent.is_role_change.is_(True))
    elif wanted.action:
        actions = SIGN_INS if wanted.action == FAILED_SIGN_INS else (wanted.action,)
        walks.choices.append([AuditEvent.action == action for action in actions])
    if wanted.result:
        walks.conditions.append(AuditEvent.is_refused.is_(wanted.result == "refused"))
    if wanted.door:
        walks.conditions.append(AuditEvent.source == wanted.door)
    if not wanted.q:
        return walks, False
    ways, is_cut = are_meant_by(wanted.q)
    walks.choices.append(ways)
    return walks, is_cut


def _older_rows(walks: Walks, cursor: str | None) -> Sequence[Any]:
    """Read where the events of a page stand, and of one more: the newest, or those before a cursor."""
    beyond = [NEWEST_FIRST.beyond(*read_cursor(cursor, NEWEST_FIRST))] if cursor else []
    return db.session.execute(walks.ids(NEWEST_FIRST, ROWS_PER_PAGE + 1, *beyond)).all()


def _newer_rows(walks: Walks, cursor: str) -> Sequence[Any]:
    """Read where the events after a cursor stand, the nearest first; fewer than a page means the first page."""
    beyond = _OLDEST_FIRST.beyond(*read_cursor(cursor, _OLDEST_FIRST))
    return db.session.execute(walks.ids(_OLDEST_FIRST, ROWS_PER_PAGE + 1, beyond)).all()


def _entries(actor: Actor, ids: list[int]) -> list[Entry]:
    """Read events with all the names in them, in the order of their ids as given."""
    used = aliased(ApiKey)
    rows = select_named(AuditEvent.id.in_(ids)).outerjoin(used, used.id == AuditEvent.actor_key_id)
    found = {row.AuditEvent.id: row for row in db.session.execute(rows.add_columns(used.alias.label("used_key")))}
    return [_entry(actor, found[event_id]) for event_id in ids if event_id in found]


def _entry(actor: Actor, row: Any) -> Entry:
    """Put together what is known of an event."""
    told = tell(actor, row)
    doer_id, owner_id = (None if row.doer_left_at else row.doer_id), (None if row.owner_left_at else row.owner_id)
    is_person = row.AuditEvent.actor_user_id not in (None, MASTER_USER_ID)
    doer = row.doer if is_person and row.doer else told.who.removeprefix("The ")
    return Entry(told, row.AuditEvent, doer, doer_id, owner_id, row.used_key)
