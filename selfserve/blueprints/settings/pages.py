"""What admins set and see about the gateway, in the browser."""

from typing import Any

from flask import Blueprint, Response, g, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.settings.facts import alert_facts, gateway_facts, general_facts, mail_facts, sign_in_facts
from selfserve.errors import NotFound
from selfserve.gateway import checks
from selfserve.mail_kinds import Channel
from selfserve.permissions import Permission
from selfserve.schemas.prices import PriceFilter
from selfserve.schemas.upstreams import UpstreamTest
from selfserve.services import model_prices, upstream_health
from selfserve.services.audit import note_try
from selfserve.services.mail_health import list_failed_mails, tell_mail_health
from selfserve.sso.checks import try_provider
from selfserve.web.filters import place_of, read_filter
from selfserve.web.guards import requires
from selfserve.web.links import providers, settings, upstreams
from selfserve.web.render import flash_toast, render, see_other, validated, wants_fragment

pages = Blueprint("settings", __name__)


@pages.get("/settings")
@requires(Permission.SETTINGS_READ)
def index() -> Response:
    """Show the settings, or only the prices that are searched for while somebody types."""
    context = prices_context()
    if wants_fragment():
        response = render("settings/index.html", "settings/_found.html", **context)
        response.headers["HX-Push-Url"] = url_for("settings.index", **context["place"])
        return response
    context |= {"general": general_facts(settings()), "list": model_prices.tell_list()}
    context |= {"sign_in": sign_in_facts(settings()), "tried": None}
    return render("settings/index.html", **gateway_context(), **mail_context(), **context)


@pages.post("/settings/upstreams/test")
@requires(Permission.SETTINGS_UPDATE)
def test_upstream() -> AnyResponse:
    """Ask an upstream for its models and say what came back."""
    asked = validated(UpstreamTest, {"upstream": request.form.get("upstream", "")})
    reply = checks.try_upstream(g.actor, upstreams(), asked.upstream)
    note_try(g.actor, f"upstream {asked.upstream}", is_ok=reply.is_ok)
    if wants_fragment():
        return render("settings/index.html", "settings/_upstreams.html", **gateway_context() | {"reply": reply})
    flash_toast(f"{reply.upstream}: {reply.sentence}", "ok" if reply.is_ok else "bad")
    return see_other("settings.index", _anchor="gateway")


@pages.post("/settings/sign-in/test")
@requires(Permission.SETTINGS_UPDATE)
def test_sign_in() -> AnyResponse:
    """Ask an identity provider for what it publishes and for its keys, and say what came back."""
    provider = providers().get(request.form.get("provider", ""))
    if provider is None:
        raise NotFound("There is no identity provider of that name.")
    tried = try_provider(provider)
    note_try(g.actor, f"sign-in by {provider.label}", is_ok=tried.is_ok)
    if wants_fragment():
        return render("settings/index.html", "settings/_sign_in.html", tried=tried)
    flash_toast(f"{provider.label}: {tried.sentence}", "ok" if tried.is_ok else "bad")
    return see_other("settings.index", _anchor="sign-in")


def gateway_context() -> dict[str, Any]:
    """Give what the section of the gateway needs: the upstreams with their health."""
    return {
        "served": upstream_health.list_upstreams(g.actor, upstreams()),
        "gateway": gateway_facts(settings()),
        "reply": None,
    }


def mail_context() -> dict[str, Any]:
    """Give what both sections need."""
    health = tell_mail_health(g.actor)
    return {
        "mail_health": health,
        "failed_mails": list_failed_mails(g.actor) if health[Channel.MAIL].failed else [],
        "mail": mail_facts(settings()),
        "alerts": alert_facts(settings()),
        "mail_tried": None,
        "alerts_tried": None,
    }


def prices_context() -> dict[str, Any]:
    """Give what the section of the prices needs: what is searched for and what has no price."""
    wanted = read_filter(PriceFilter)
    return {
        "filter": wanted,
        "place": {name: value for name, value in place_of(wanted).items() if name == "q"},
        "overview": model_prices.give_overview(g.actor, wanted.q, upstreams()),
        "is_fresh": False,
    }
