"""Health on the wire."""

from selfserve.schemas.fields import Answer


class Readiness(Answer):
    """`GET /health/readiness`: whether the database answers."""

    status: str
    db: str
