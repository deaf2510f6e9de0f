"""Counts that are kept in the transaction that changes them."""

from typing import Any

from sqlalchemy import event, select

from selfserve.database import insert
from selfserve.extensions import db
from selfserve.models import Tally


def add_to_tally(noun: str, amount: int) -> None:
    """Add to a count (or take away) when the transaction commits; needs an open one.

    Everybody who makes or deletes changes these few rows, so they are locked last, in one order and briefly.
    """
    waiting: dict[str, int] = db.session().info.setdefault("tallies", {})
    waiting[noun] = waiting.get(noun, 0) + amount


def read_tally(noun: str) -> int:
    """Tell a count."""
    return db.session.scalar(select(Tally.amount).where(Tally.noun == noun)) or 0


def _write_tallies(session: Any) -> None:
    """Write what waits, in the order of the nouns."""
    if waiting := session.info.pop("tallies", {}):
        rows = insert(Tally).values([{"noun": noun, "amount": amount} for noun, amount in sorted(waiting.items())])
        added = {"amount": Tally.amount + rows.excluded.amount}
        session.execute(rows.on_conflict_do_update(index_elements=["noun"], set_=added))


def _forget_tallies(session: Any) -> None:
    """Forget what waits for a transaction that failed."""
    session.info.pop("tallies", None)


event.listen(db.session, "before_commit", _write_tallies)
event.listen(db.session, "after_rollback", _forget_tallies)
