"""Health, for load balancers and scripts."""

from flask import Blueprint

from selfserve.errors import Unavailable
from selfserve.schemas.health import Liveness, Readiness
from selfserve.services import health
from selfserve.web.guards import public
from selfserve.web.render import raises, returns

api = Blueprint("health_api", __name__)


@api.get("/health/liveliness", endpoint="liveliness")
@api.get("/health/liveness")
@public
@returns(Liveness)
def liveness() -> str:
    """Say that the process answers, in the documented words."""
    return "I'm alive!"


@api.get("/health/readiness")
@public
@returns(Readiness)
@raises(Unavailable)
def readiness() -> Readiness:
    """Say whether the database answers; 503 when it does not, and before it has its tables."""
    if not health.is_database_ready():
        raise Unavailable("The database does not answer, or was not set up yet.")
    return Readiness(status="healthy", db="connected")
