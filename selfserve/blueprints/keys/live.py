"""What keys have spent by now, asked for by the pages that show it."""

from uuid import UUID

from flask import g, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.keys.lists import LISTS, is_of_all, live_address_of, ticked
from selfserve.blueprints.keys.pages import pages
from selfserve.errors import NotFound
from selfserve.permissions import Permission
from selfserve.services import account, holds
from selfserve.web.guards import polled, requires
from selfserve.web.render import render_if_new, see_other, wants_fragment


@pages.get("/keys/live")
@requires(Permission.KEY_READ)
@polled
def live() -> AnyResponse:
    """Tell what the keys of a list have spent by now and, on my keys, I with them."""
    everyones = is_of_all()
    if not wants_fragment():
        return see_other(LISTS[everyones])
    found = holds.find_keys(g.actor, ticked(request.args))
    if not found:
        raise NotFound("None of these keys exists any more.")
    owner = None if everyones else account.get_account(g.actor)
    return render_if_new("keys/_live.html", found=found, owner=owner, live=live_address_of(found, everyones))


@pages.get("/keys/<uuid:key_id>/live")
@requires(Permission.KEY_READ)
@polled
def live_key(key_id: UUID) -> AnyResponse:
    """Tell what one key has spent by now."""
    key = holds.get_key(g.actor, str(key_id))
    if not wants_fragment():
        return see_other("keys.detail", key_id=key.id)
    return render_if_new("keys/_live_key.html", key=key, live=url_for("keys.live_key", key_id=key.id))
