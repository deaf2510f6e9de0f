"""Prices of models by curl: ours, beside the documented calls, in LiteLLM's words for prices."""

from flask import Blueprint

from selfserve.errors import Conflict, NotFound
from selfserve.permissions import Permission
from selfserve.schemas.prices import PriceAnswer, PriceDelete, PriceDeleted, PriceList, PriceListQuery, PriceUpdate
from selfserve.services import model_prices
from selfserve.web.guards import current_actor, requires
from selfserve.web.links import upstreams
from selfserve.web.render import accepts, raises, returns

api = Blueprint("prices_api", __name__)


@api.get("/price/list")
@requires(Permission.SETTINGS_READ)
@accepts(PriceListQuery)
@returns(PriceList)
def list_prices(query: PriceListQuery) -> PriceList:
    """List what models cost, by name: those that begin with what is searched for come first."""
    found = model_prices.list_prices(current_actor(), query, upstreams())
    return PriceList.model_validate(
        {
            "prices": found.prices,
            "total_count": found.total,
            "current_page": found.page,
            "total_pages": found.total_pages,
        }
    )


@api.post("/price/update")
@requires(Permission.SETTINGS_UPDATE)
@accepts(PriceUpdate)
@returns(PriceAnswer)
@raises(Conflict)
def update(command: PriceUpdate) -> model_prices.KnownPrice:
    """Set what a model costs, in calls from now on; what was recorded stays as it is."""
    return model_prices.set_price(current_actor(), command, upstreams())


@api.post("/price/delete")
@requires(Permission.SETTINGS_UPDATE)
@accepts(PriceDelete)
@returns(PriceDeleted)
@raises(NotFound)
def delete(command: PriceDelete) -> PriceDeleted:
    """Delete a price that an admin set; `price` is what the model costs then, null where nobody knows."""
    price = model_prices.delete_price(current_actor(), command.model, upstreams())
    return PriceDeleted.model_validate({"deleted": command.model, "price": price})
