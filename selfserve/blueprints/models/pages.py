"""Which models one may call and how, and why a call was refused, in the browser."""

from typing import Any

from flask import Blueprint, Response, g

from selfserve.blueprints.keys.snippets import example_models
from selfserve.blueprints.models.forms import RefusedForm
from selfserve.gateway.listing import served_models
from selfserve.permissions import Permission
from selfserve.schemas.models import ModelFilter
from selfserve.services.models import Catalogue, explain_lack, list_models
from selfserve.services.refusals import Explanation, explain_refusal
from selfserve.web.filters import place_of, read_filter
from selfserve.web.guards import requires
from selfserve.web.links import settings, upstreams
from selfserve.web.render import render

pages = Blueprint("models", __name__)


@pages.get("/models")
@requires(Permission.MODEL_LIST)
def index() -> Response:
    """Show which models I may call, by which key and at what price."""
    wanted = read_filter(ModelFilter)
    listed = listed_for_me()
    listing = listed.slice(wanted)
    missing = wanted.missing or (wanted.q if not listing.items else None)
    return render(
        "models/index.html",
        filter=wanted,
        place=place_of(wanted),
        here="models.index",
        listing=listing,
        missing=missing,
        lacks=explain_lack(listed, upstreams(), missing) if missing else [],
        alike=listed.like(missing) if missing else [],
        held_for=listed.holder.keys_for(missing) if missing else [],
        **gateway_context(listed),
    )


@pages.get("/quickstart")
@requires(Permission.MODEL_LIST)
def quickstart() -> Response:
    """Show how to make a first call."""
    listed = listed_for_me()
    callable_models = listed.callable
    return render(
        "models/quickstart.html",
        here="models.quickstart",
        held=[key.row for key in listed.holder.keys],
        callable=callable_models,
        **example_models([model.name for model in callable_models]),
        **gateway_context(listed),
    )


@pages.get("/refused")
@requires(Permission.KEY_READ)
def refused() -> Response:
    """Ask for what a refused call printed."""
    return show_refused(RefusedForm())


@pages.post("/refused")
@requires(Permission.KEY_READ)
def explain() -> Response:
    """Explain a refusal; by POST, for what is pasted may hold a key, and it is not shown again (S-14)."""
    form = RefusedForm()
    command = form.command()
    form.pasted.data = ""
    if command is None:
        return show_refused(form, status=422)
    return show_refused(form, explain_refusal(g.actor, command.pasted))


def show_refused(form: RefusedForm, explanation: Explanation | None = None, status: int = 200) -> Response:
    """Answer with the form and what there is to say."""
    return render(
        "models/refused.html",
        "models/_refused.html",
        status,
        form=form,
        explanation=explanation,
        here="models.quickstart",
    )


def listed_for_me() -> Catalogue:
    """List the models that are served, with what I may do with them."""
    return list_models(g.actor, upstreams(), served_models(upstreams()))


def gateway_context(listed: Catalogue) -> dict[str, Any]:
    """Tell whether calls are passed on, and whether the upstreams say what they serve."""
    is_configured = upstreams().is_configured
    is_elsewhere = bool(settings().selfserve_gateway_url) and not is_configured
    return {"listed": listed, "is_configured": is_configured, "is_elsewhere": is_elsewhere}
