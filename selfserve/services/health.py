"""Health: does the database answer?"""

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from selfserve.extensions import db


def is_database_up() -> bool:
    """Ask the database for the number one."""
    try:
        return bool(db.session.scalar(text("SELECT 1")) == 1)
    except SQLAlchemyError:
        return False
