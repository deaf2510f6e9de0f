"""Lists that stay quick at a million rows: keyset slices for pages, bounded counts, numbered pages for the API."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from selfserve.errors import BadRequest
from selfserve.extensions import db

Row = TypeVar("Row")
ROWS_PER_PAGE = 50
MOST_COUNTED = 10_000


def first(row: Row) -> Row:
    """Take a row of one column as it is."""
    return row


@dataclass(frozen=True)
class Slice(Generic[Row]):
    """Some rows of a list, how many there are (bounded) and where the next ones begin."""

    items: Sequence[Row]
    total: int
    is_capped: bool
    next_cursor: str | None


def take_slice(
    rows: Select[Any],
    newest: tuple[InstrumentedAttribute[datetime], InstrumentedAttribute[str]],
    after: str | None,
    make: Callable[..., Row] = first,
) -> Slice[Row]:
    """Take one page of rows, newest first, beginning after a cursor; `make` turns the columns of a row into an item."""
    total, is_capped = bounded_count(rows)
    if after:
        rows = rows.where(tuple_(*newest) < tuple_(*_read_cursor(after)))
    rows = rows.order_by(*(column.desc() for column in newest)).limit(ROWS_PER_PAGE + 1)
    found = db.session.execute(rows.add_columns(*newest)).all()
    items = [make(*columns) for *columns, _, _ in found[:ROWS_PER_PAGE]]
    cursor = _write_cursor(*found[ROWS_PER_PAGE - 1][-2:]) if len(found) > ROWS_PER_PAGE else None
    return Slice(items, total, is_capped, cursor)


def take_page(rows: Select[Row], order: Sequence[Any], *, is_ascending: bool, page: int, size: int) -> list[Row]:
    """Take one numbered page of rows, ordered by columns of which the last settles every tie."""
    rows = rows.order_by(*(column.asc() if is_ascending else column.desc() for column in order))
    return list(db.session.scalars(rows.limit(size).offset((page - 1) * size)))


def bounded_count(rows: Select[Any]) -> tuple[int, bool]:
    """Count rows up to `MOST_COUNTED`, and tell whether there are more."""
    counted = db.session.scalar(select(func.count()).select_from(_first_rows(rows))) or 0
    return min(counted, MOST_COUNTED), counted > MOST_COUNTED


def bounded_counts(rows: dict[str, Select[Any]]) -> dict[str, tuple[int, bool]]:
    """Count several lists at once, in one query."""
    counts = [
        select(func.count()).select_from(_first_rows(query)).scalar_subquery().label(name)
        for name, query in rows.items()
    ]
    found = db.session.execute(select(*counts)).one()
    return {name: (min(count, MOST_COUNTED), count > MOST_COUNTED) for name, count in zip(rows, found, strict=True)}


def pages(total: int, size: int) -> int:
    """Tell how many numbered pages there are."""
    return math.ceil(total / size)


def _first_rows(rows: Select[Any]) -> Any:
    """Bound what is counted, and count no columns."""
    return (
        rows.with_only_columns(literal(1), maintain_column_froms=True).order_by(None).limit(MOST_COUNTED + 1).subquery()
    )


def _write_cursor(moment: datetime, row_id: str) -> str:
    """Write where a page ends."""
    return f"{moment.strftime('%Y%m%dT%H%M%S%fZ')}.{row_id}"


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    """Read where a page ended."""
    moment, _, row_id = cursor.partition(".")
    try:
        return datetime.strptime(moment.removesuffix("Z") + "+0000", "%Y%m%dT%H%M%S%f%z"), row_id
    except ValueError:
        raise BadRequest(
            "The address of this page is damaged. Open the list from its beginning.", param="after"
        ) from None
