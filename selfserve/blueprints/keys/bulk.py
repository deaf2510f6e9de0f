"""What is done to all keys that are ticked in a list."""

from flask import Response, g, request
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.keys.lists import back_to_list, is_of_all, ticked, told, whereabouts
from selfserve.blueprints.keys.pages import pages
from selfserve.errors import NotFound
from selfserve.permissions import Permission
from selfserve.schemas.keys import KeyNames
from selfserve.services import key_changes, key_deletes, key_lists
from selfserve.web.guards import requires
from selfserve.web.render import flash_toast, render


@pages.post("/keys/bulk/block")
@requires(Permission.KEY_BLOCK)
def bulk_block() -> AnyResponse:
    """Block the keys that are ticked."""
    done = key_changes.block_keys(g.actor, ticked(request.form), is_blocked=True)
    flash_toast(f"{told(done)} blocked. Nothing can use {'it' if len(done) == 1 else 'them'}.")
    return back_to_list(done[0].id)


@pages.post("/keys/bulk/unblock")
@requires(Permission.KEY_BLOCK)
def bulk_unblock() -> AnyResponse:
    """Unblock the keys that are ticked."""
    done = key_changes.block_keys(g.actor, ticked(request.form), is_blocked=False)
    flash_toast(f"{told(done)} not blocked any more.")
    return back_to_list(done[0].id)


@pages.get("/keys/bulk/delete")
@requires(Permission.KEY_DELETE)
def ask_bulk_delete() -> Response:
    """Ask before the keys that are ticked are deleted, and list what will stop."""
    found = key_lists.find_keys(g.actor, KeyNames(keys=ticked(request.args)))
    if not found:
        raise NotFound("None of these keys exists any more.")
    return render("keys/bulk_delete.html", "keys/_bulk_delete.html", found=found, **whereabouts(is_of_all()))


@pages.post("/keys/bulk/delete")
@requires(Permission.KEY_DELETE)
def bulk_delete() -> AnyResponse:
    """Delete the keys that are ticked; for ten minutes they can be brought back."""
    done = key_deletes.delete_restorable(g.actor, ticked(request.form))
    flash_toast(f"{told(done)} deleted.", undo=[key.id for key in done])
    return back_to_list()
