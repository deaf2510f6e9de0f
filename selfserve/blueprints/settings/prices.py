"""Prices of models, in the browser: what admins set, beside what the public list says."""

from flask import Response, g, request
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.settings.forms import SetPriceForm
from selfserve.blueprints.settings.pages import pages, prices_context
from selfserve.errors import Conflict, Stale
from selfserve.permissions import Permission
from selfserve.schemas.prices import PriceFilter, PriceRemoval
from selfserve.services import model_prices
from selfserve.services.model_prices import KnownPrice
from selfserve.web.filters import read_filter
from selfserve.web.guards import requires
from selfserve.web.links import upstreams
from selfserve.web.render import flash_toast, render, see_other, validated, wants_fragment
from selfserve.web.words import per_million


@pages.get("/settings/prices/edit")
@requires(Permission.SETTINGS_UPDATE)
def edit_price() -> Response:
    """Open the form that sets the price of a model, of any where none is named."""
    return show_price(read_filter(PriceFilter).model or "")


@pages.post("/settings/prices")
@requires(Permission.SETTINGS_UPDATE)
def save_price() -> AnyResponse:
    """Set the price of a model, for calls from now on."""
    form = SetPriceForm()
    command = form.command()
    if command is None:
        return show_price(form.model.data or "", form, 422)
    try:
        known = model_prices.set_price(g.actor, command.asked_for, upstreams(), shown=command.shown)
    except Stale as error:
        return show_price(command.model, form, error.status, stale=error)
    except Conflict as error:
        form.put_error(error)
        return show_price(command.model, form, error.status)
    flash_toast(f"From now on {known.model} costs {said(known)}.")
    return back_to_prices()


@pages.post("/settings/prices/delete")
@requires(Permission.SETTINGS_UPDATE)
def delete_price() -> AnyResponse:
    """Delete a price that an admin set; what it is then is said."""
    asked = validated(PriceRemoval, {name: request.form.get(name, "") for name in PriceRemoval.model_fields})
    try:
        known = model_prices.delete_price(g.actor, asked.model, upstreams(), shown=asked.shown)
    except Stale as error:
        flash_toast(error.message, "bad")
        return show_price(asked.model, status=error.status)
    then = f"costs {said(known)} again" if known else "has no price any more: what it costs is recorded as unknown"
    flash_toast(f"{asked.model} {then}.")
    return back_to_prices()


def show_price(
    model: str, form: SetPriceForm | None = None, status: int = 200, *, stale: Stale | None = None
) -> Response:
    """Answer with the form, as things are or as it was filled in, or with both if that is stale."""
    asked = model_prices.get_price(g.actor, model, upstreams())
    if form is None or stale:
        fresh = SetPriceForm.of(model, asked)
        form = fresh.recall(form, stale) if form and stale else fresh
    place = {"q": read_filter(PriceFilter).q}
    return render("settings/price.html", "settings/_price.html", status, form=form, asked=asked, place=place)


def back_to_prices() -> AnyResponse:
    """Answer a deed with the prices as they are now."""
    if not wants_fragment():
        return see_other("settings.index", _anchor="prices", **prices_context()["place"])
    response = render("settings/index.html", "settings/_prices.html", **prices_context() | {"is_fresh": True})
    response.headers.update({"HX-Retarget": "#prices-panel", "HX-Reswap": "outerHTML"})
    return response


def said(known: KnownPrice) -> str:
    """Say what a model costs."""
    return f"{per_million(known.rate.prompt)} in and {per_million(known.rate.completion)} out per million tokens"
