"""The calls of one key, newest first: how each went and what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from selfserve.calls import CLIENT_LEFT, CallException
from selfserve.errors import NotFound
from selfserve.extensions import db
from selfserve.models import ApiKey, Call
from selfserve.permissions import Actor, Permission, allows
from selfserve.schemas.spend import CallFilter
from selfserve.services.actors import require
from selfserve.services.paging import damaged, read_moment, write_cursor

AT_ONCE = 10
_COLUMNS = (
    *(Call.id, Call.started_at, Call.model, Call.provider, Call.status, Call.is_failed, Call.latency_ms),
    *(Call.prompt_tokens, Call.completion_tokens, Call.cached_tokens, Call.cost, Call.exception),
)
_UNKNOWN = [exception for exception in CallException if exception.is_cost_unknown]
_ODD = or_(Call.is_failed.is_(True), Call.exception.is_not(None))


@dataclass(frozen=True)
class ListedCall:
    """One call as a list shows it; `cost` is None where nobody knows it."""

    started_at: datetime
    model: str
    provider: str | None
    status: int | None
    is_failed: bool
    latency_ms: int | None
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost: int | None
    exception: CallException | None

    @property
    def is_left(self) -> bool:
        """Whether the client did not wait for the end."""
        return self.status == CLIENT_LEFT


@dataclass(frozen=True)
class CallPage:
    """Some calls, and where older ones begin."""

    items: Sequence[ListedCall]
    next_cursor: str | None


def list_calls_of(actor: Actor, key: ApiKey, wanted: CallFilter) -> CallPage:
    """List calls with a key. Raises NotFound where its spend is out of reach, BadRequest for a damaged cursor."""
    require(actor, Permission.SPEND_READ)
    if not allows(actor, Permission.SPEND_READ, key.owner_id):
        raise NotFound("There is no such key.", param="key")
    rows = select(*_COLUMNS).where(Call.key_id == key.id, *_shown(wanted.show))
    if wanted.after:
        rows = rows.where(_before(wanted.after))
    order = Call.started_at.desc(), Call.id.desc()
    found = db.session.execute(rows.order_by(*order).limit(AT_ONCE + 1)).all()
    last = found[AT_ONCE - 1] if len(found) > AT_ONCE else None
    cursor = write_cursor(last.started_at, str(last.id)) if last else None
    return CallPage([_listed(row) for row in found[:AT_ONCE]], cursor)


def _shown(show: str | None) -> list[ColumnElement[bool]]:
    """Say which calls are meant, beside what the index of the odd ones holds."""
    if show is None:
        return []
    return [_ODD, Call.is_failed.is_(True) if show == "failed" else Call.exception.in_(_UNKNOWN)]


def _before(cursor: str) -> ColumnElement[bool]:
    """Say that a call is older than the one that a cursor names."""
    written, _, number = cursor.rpartition(".")
    try:
        moment, row_id = read_moment(written), int(number)
    except ValueError:
        raise damaged() from None
    if not 0 <= row_id < 2**63:
        raise damaged()
    return and_(Call.started_at <= moment, or_(Call.started_at < moment, Call.id < row_id))


def _listed(row: Any) -> ListedCall:
    """Read one row."""
    known = CallException(row.exception) if row.exception else None
    cost = None if known and known.is_cost_unknown else row.cost
    told = {name: value for name, value in row._asdict().items() if name != "id"}
    return ListedCall(**told | {"cost": cost, "exception": known})
