"""Lists that stay quick at a million rows: keyset slices for pages, bounded counts, numbered pages for the API."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
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


@dataclass(frozen=True)
class Order:
    """The order of a keyset list: a column, the row's id to settle ties, and a direction. Empty values come last."""

    column: InstrumentedAttribute[Any] | ColumnElement[Any]
    row_id: InstrumentedAttribute[Any]
    is_ascending: bool = False

    @property
    def is_nullable(self) -> bool:
        """Whether the column may be empty."""
        return isinstance(self.column, InstrumentedAttribute) and bool(self.column.property.columns[0].nullable)

    def arrange(self, rows: Select[Any]) -> Select[Any]:
        """Put rows in order."""
        both = self.column, self.row_id
        return rows.order_by(*(one.asc() if self.is_ascending else one.desc() for one in both))

    def beyond(self, value: Any, row_id: Any) -> ColumnElement[bool]:
        """Say that a row comes after the one with this value and id; an empty value is followed by empty ones only."""
        here, there = (
            (self.row_id, row_id) if value is None else (tuple_(self.column, self.row_id), tuple_(value, row_id))
        )
        return here > there if self.is_ascending else here < there


def take_slice(
    rows: Select[Any], order: Order, after: str | None, make: Callable[..., Row] = first, known: int | None = None
) -> Slice[Row]:
    """Take one page of rows, beginning after a cursor; `make` turns the columns of a row into an item.

    `known` is how many there are, where a tally tells it.
    """
    total, is_capped = _bounded(known) if known is not None else bounded_count(rows)
    found = _rows_beyond(rows.add_columns(order.column, order.row_id), order, after)
    items = [make(*columns) for *columns, _, _ in found[:ROWS_PER_PAGE]]
    cursor = write_cursor(*found[ROWS_PER_PAGE - 1][-2:]) if len(found) > ROWS_PER_PAGE else None
    return Slice(items, total, is_capped, cursor)


def _rows_beyond(rows: Select[Any], order: Order, after: str | None) -> list[Any]:
    """Read the rows of a page and one more: those with a value, then the empty ones, each as an index gives them."""
    value, row_id = read_cursor(after, order) if after else (None, "")
    found: list[Any] = []
    if not after or value is not None:
        filled = rows.where(order.column.is_not(None)) if order.is_nullable else rows
        filled = filled.where(order.beyond(value, row_id)) if after else filled
        found += db.session.execute(order.arrange(filled).limit(ROWS_PER_PAGE + 1)).all()
    if order.is_nullable and len(found) <= ROWS_PER_PAGE:
        empty = rows.where(order.column.is_(None))
        empty = empty.where(order.beyond(None, row_id)) if after and value is None else empty
        found += db.session.execute(order.arrange(empty).limit(ROWS_PER_PAGE + 1 - len(found))).all()
    return found


def take_page(rows: Select[Row], order: Sequence[Any], *, is_ascending: bool, page: int, size: int) -> list[Row]:
    """Take one numbered page of rows, ordered by columns of which the last settles every tie."""
    rows = rows.order_by(*(column.asc() if is_ascending else column.desc() for column in order))
    return list(db.session.scalars(rows.limit(size).offset((page - 1) * size)))


def bounded_count(rows: Select[Any]) -> tuple[int, bool]:
    """Count rows up to `MOST_COUNTED`, and tell whether there are more."""
    return _bounded(db.session.scalar(select(func.count()).select_from(_first_rows(rows))) or 0)


def bounded_counts(rows: dict[str, Select[Any]]) -> dict[str, tuple[int, bool]]:
    """Count several lists at once, in one query."""
    counts = [
        select(func.count()).select_from(_first_rows(query)).scalar_subquery().label(name)
        for name, query in rows.items()
    ]
    found = db.session.execute(select(*counts)).one()
    return {name: _bounded(count) for name, count in zip(rows, found, strict=True)}


def pages(total: int, size: int) -> int:
    """Tell how many numbered pages there are."""
    return math.ceil(total / size)


def _bounded(count: int) -> tuple[int, bool]:
    """Say no more than we show."""
    return min(count, MOST_COUNTED), count > MOST_COUNTED


def _first_rows(rows: Select[Any]) -> Any:
    """Bound what is counted, and count no columns."""
    return (
        rows.with_only_columns(literal(1), maintain_column_froms=True).order_by(None).limit(MOST_COUNTED + 1).subquery()
    )


def write_cursor(value: Any, row_id: object) -> str:
    """Write where a page ends: the value it is ordered by, and the row's id."""
    written = value.strftime("%Y%m%dT%H%M%S%fZ") if isinstance(value, datetime) else "" if value is None else str(value)
    return f"{written}.{row_id}"


def read_cursor(cursor: str, order: Order) -> tuple[Any, Any]:
    """Read where a page ended."""
    written, dot, row_id = cursor.rpartition(".")
    try:
        if not dot or not (written or order.is_nullable):
            raise ValueError("not a cursor of this order")
        read = [_READERS[column.type.python_type] for column in (order.column, order.row_id)]
        return (read[0](written) if written else None), read[1](row_id)
    except ValueError:
        raise damaged() from None


def damaged() -> BadRequest:
    """Say that a cursor is none."""
    return BadRequest("The address of this page is damaged. Open the list from its beginning.", param="after")


def read_moment(text: str) -> datetime:
    """Read a moment that a cursor holds."""
    return datetime.strptime(text.removesuffix("Z") + "+0000", "%Y%m%dT%H%M%S%f%z")


def _number(text: str) -> int:
    """Read a number that a cursor holds; one that no column holds is damage."""
    number = int(text)
    if abs(number) >= 2**63:
        raise ValueError("beyond 64 bits")
    return number


_READERS: dict[type, Callable[[str], Any]] = {datetime: read_moment, int: _number, str: str}
