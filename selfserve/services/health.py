"""Health: does the database answer, and is it ours?"""

from sqlalchemy import exists, select
from sqlalchemy.exc import SQLAlchemyError

from selfserve.extensions import db
from selfserve.models import User


def is_database_ready() -> bool:
    """Ask the database whether there is anybody: it answers neither when it is away nor before it has its tables."""
    try:
        return db.session.scalar(select(exists(select(User.id)))) is not None
    except SQLAlchemyError:
        return False
