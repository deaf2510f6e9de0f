"""Models by curl: what the key that asks may call, as OpenAI's clients read it."""

from typing import Any

from flask import Blueprint

from selfserve.errors import NotFound
from selfserve.gateway.listing import served_models
from selfserve.permissions import Permission
from selfserve.schemas.models import ListedModel, ModelList
from selfserve.services.models import Catalogue, Model, list_models
from selfserve.web.guards import current_actor, requires
from selfserve.web.links import upstreams
from selfserve.web.render import raises, returns

CREATED = 1677610602
"""When LiteLLM says that every model was made."""

api = Blueprint("models_api", __name__)


@api.get("/v1/models")
@api.get("/models")
@requires(Permission.MODEL_LIST)
@returns(ModelList)
def list_all() -> Any:
    """List the models that the key may call."""
    return {"data": [told(model) for model in _listed().callable]}


@api.get("/v1/models/<path:model>")
@api.get("/models/<path:model>")
@requires(Permission.MODEL_LIST)
@returns(ListedModel)
@raises(NotFound)
def info(model: str) -> Any:
    """Show one of them."""
    return told(_listed().get(model))


def told(model: Model) -> dict[str, Any]:
    """Tell of a model what clients read."""
    return {"id": model.name, "created": CREATED, "owned_by": model.owner}


def _listed() -> Catalogue:
    """List what is served, with what the key may do with it."""
    return list_models(current_actor(), upstreams(), served_models(upstreams()))
