"""The two lists of keys, and the way back to the one that a deed was done from."""

from collections.abc import Sequence
from typing import Any

from flask import Response, g, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from selfserve.errors import Invalid
from selfserve.permissions import Permission
from selfserve.schemas.key_forms import KeyPick
from selfserve.schemas.keys import KeyFilter
from selfserve.services import account, key_lists
from selfserve.web.filters import place_of, read_filter
from selfserve.web.guards import can
from selfserve.web.render import render, see_other, validated, wants_fragment
from selfserve.web.words import plural

LISTS = {False: "keys.index", True: "keys.all_keys"}


def show_list(*, everyones: bool = False) -> Response:
    """Answer with the page, or with its list under a clean address while somebody types into the filter."""
    context = list_context(everyones)
    if wants_fragment():
        response = render("keys/index.html", "keys/_refresh.html", **context)
        response.headers["HX-Push-Url"] = context["back"]
        return response
    page = "keys/all.html" if everyones else "keys/index.html"
    return render(page, panel=None, owner=account.get_account(g.actor), **context)


def show_panel(panel: str, fragment: str = "", status: int = 200, **context: Any) -> Response:
    """Answer with the panel above my keys; htmx gets the panel alone, or the fragment that brings the list along."""
    if fragment or not wants_fragment():
        context = list_context(everyones=False) | context
    return render(
        "keys/index.html", fragment or panel, status, panel=panel, owner=account.get_account(g.actor), **context
    )


def back_to_list(focus_id: str | None = None, status: int = 200) -> AnyResponse:
    """Answer a deed with the list it was done from, with the focus on the row it was done to."""
    where = whereabouts(is_of_all())
    if not wants_fragment():
        return see_other(where["here"], **where["place"])
    context = list_context(is_of_all()) | {"focus_id": focus_id}
    response = render("keys/all.html", "keys/_refresh.html", status, **context)
    response.headers.update({"HX-Retarget": "#results", "HX-Reswap": "outerHTML"})
    return response


def list_context(everyones: bool) -> dict[str, Any]:
    """Give what the list needs: its rows, its filters and which row stands out."""
    where = whereabouts(everyones)
    read = key_lists.list_all_keys if everyones else key_lists.list_own_keys
    listing = read(g.actor, where["filter"])
    shows_living = listing.items and where["filter"].status != "deleted"
    live = live_address_of(listing.items, everyones) if shows_living else None
    return where | {"listing": listing, "live": live, "fresh_id": None, "focus_id": None}


def live_address_of(listed: Sequence[Any], everyones: bool) -> str:
    """Give the address that tells what the keys of a list have spent by now."""
    ids = [key.id for key in listed]
    return url_for("keys.live", key_id=ids, list="all" if everyones else None)


def whereabouts(everyones: bool) -> dict[str, Any]:
    """Tell which list somebody is on and how it is filtered, so that links and forms lead back to it."""
    wanted = read_filter(KeyFilter, repeated=("key_id",))
    place = place_of(wanted)
    return {
        "everyones": everyones,
        "here": LISTS[everyones],
        "target": "#results",
        "filter": wanted,
        "place": place,
        "deed": place | ({"list": "all"} if everyones else {}),
        "back": url_for(LISTS[everyones], **place),
        "is_filtered": bool(wanted.owner or wanted.q or wanted.status),
    }


def is_of_all() -> bool:
    """Tell whether a deed was done from the list of all keys."""
    return request.args.get("list") == "all" and can(Permission.KEY_OVERSEE)


def ticked(sent: MultiDict[str, str]) -> list[str]:
    """Read which keys are ticked. Raises Invalid when none is."""
    if not sent.getlist("key_id"):
        raise Invalid("Tick at least one key first.", param="key_id")
    return validated(KeyPick, {"key_id": sent.getlist("key_id")}).key_id


def told(done: list[Any]) -> str:
    """Name the key that something was done to, or count them; with the verb that follows."""
    return f"Key “{done[0].name}” is" if len(done) == 1 else f"{plural(len(done), 'key')} are"
