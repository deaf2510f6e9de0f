"""Health, for load balancers and scripts."""

from flask import Blueprint, Response

from selfserve.errors import Unavailable
from selfserve.schemas.health import Readiness
from selfserve.services import health
from selfserve.web.guards import public
from selfserve.web.render import returns

api = Blueprint("health_api", __name__)


@api.get("/health/liveliness", endpoint="liveliness")
@api.get("/health/liveness")
@public
def liveness() -> Response:
    """Say that the process answers, in the documented words."""
    return Response('"I\'m alive!"\n', mimetype="application/json")


@api.get("/health/readiness")
@public
@returns(Readiness)
def readiness() -> Readiness:
    """Say whether the database answers; 503 when it does not."""
    if not health.is_database_up():
        raise Unavailable("The database does not answer.")
    return Readiness(status="healthy", db="connected")
