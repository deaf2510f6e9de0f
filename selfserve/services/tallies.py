"""Counts that are kept in the transaction that changes them."""

from sqlalchemy import select

from selfserve.database import insert
from selfserve.extensions import db
from selfserve.models import Tally


def add_to_tally(noun: str, amount: int) -> None:
    """Add to a count (or take away); needs an open transaction."""
    row = insert(Tally).values(noun=noun, amount=amount)
    db.session.execute(row.on_conflict_do_update(index_elements=["noun"], set_={"amount": Tally.amount + amount}))


def read_tally(noun: str) -> int:
    """Tell a count."""
    return db.session.scalar(select(Tally.amount).where(Tally.noun == noun)) or 0
