"""A key's own page, and the way back to it or to the list that a deed was done from."""

from typing import Any

from flask import Response, g, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.keys.lists import LISTS, back_to_list, is_of_all, whereabouts
from selfserve.blueprints.keys.snippets import examples_of
from selfserve.schemas.spend import CallFilter
from selfserve.services import activity, call_lists, holds, key_rotation, keys
from selfserve.web.charts import chart_of_key
from selfserve.web.render import render, see_other, wants_fragment


def show_key(key_id: str, *, focus: str = "") -> Response:
    """Answer with the page of a key, or with all that is in it."""
    key = holds.get_key(g.actor, key_id)
    chart, events = chart_of_key(g.actor, key.id), activity.list_key_activity(g.actor, key)
    calls = call_lists.list_calls_of(g.actor, key, CallFilter())
    context = key_context(key) | {"chart": chart, "events": events, "focus": focus}
    return render("keys/detail.html", "keys/_key.html", **context, calls=calls, filter=CallFilter())


def show_calls(key_id: str, wanted: CallFilter) -> Response:
    """Answer with a list of calls with a key, as a page or in its place on the key's page."""
    key = keys.get_key(g.actor, key_id)
    calls = call_lists.list_calls_of(g.actor, key, wanted)
    return render("keys/calls.html", "keys/_calls.html", key=key, calls=calls, filter=wanted, **on_its_page(key))


def key_context(key: Any) -> dict[str, Any]:
    """Give what is told of a key on its page and where its new secret is shown."""
    return {
        "key": key,
        "formers": key_rotation.list_former_secrets(key),
        "focus": "",
        **examples_of(key),
        **on_its_page(key),
    }


def back_to_where(key_id: str, *, focus: str = "") -> AnyResponse:
    """Answer a deed with the list or with the key's page, wherever it was done from."""
    if not is_of_its_page():
        return back_to_list(key_id)
    if not wants_fragment():
        return see_other("keys.detail", key_id=key_id)
    response = show_key(key_id, focus=focus)
    response.headers.update({"HX-Retarget": "#key", "HX-Reswap": "outerHTML"})
    return response


def whereabouts_of(key: Any) -> dict[str, Any]:
    """Tell where somebody asked for a form about a key, so that it leads back there."""
    return on_its_page(key) if is_of_its_page() else whereabouts(is_of_all())


def on_its_page(key: Any) -> dict[str, Any]:
    """Tell that somebody is on the page of a key, and which list it belongs to."""
    everyones = key.owner_id != g.actor.id
    return {
        "everyones": everyones,
        "here": LISTS[everyones],
        "target": "#key",
        "deed": {"list": "key"},
        "back": url_for("keys.detail", key_id=key.id),
    }


def is_of_its_page() -> bool:
    """Tell whether a deed was done from the key's own page."""
    return request.args.get("list") == "key"
