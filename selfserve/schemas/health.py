"""Health on the wire."""

from typing import Literal

from pydantic import RootModel

from selfserve.schemas.fields import Answer


class Liveness(RootModel[Literal["I'm alive!"]]):
    """`GET /health/liveness` and `/health/liveliness`: the process answers."""


class Readiness(Answer):
    """`GET /health/readiness`: whether the database answers."""

    status: str
    db: str
