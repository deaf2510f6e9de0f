"""A key is tested, in the browser: it needs no secret for that."""

from uuid import UUID

from flask import current_app, g, request
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.keys.pages import pages
from selfserve.blueprints.keys.snippets import examples_of
from selfserve.gateway.trial import Trial, try_key
from selfserve.permissions import Permission
from selfserve.schemas.models import KeyTest
from selfserve.web.guards import requires
from selfserve.web.links import upstreams
from selfserve.web.render import flash_toast, render, see_other, validated, wants_fragment
from selfserve.web.words import amount, number


@pages.post("/keys/<uuid:key_id>/test")
@requires(Permission.MODEL_CALL)
def test(key_id: UUID) -> AnyResponse:
    """Call a model with a key and say how it went; the call is one of the key's own, and a seat is kept for it."""
    asked = validated(KeyTest, {"model": request.form.get("model", "")})
    seat = current_app.extensions["seats"].take()
    try:
        trial = try_key(g.actor, str(key_id), asked.model, upstreams())
    finally:
        seat.leave()
    if wants_fragment():
        return render("keys/detail.html", "keys/_test.html", key=trial.key, trial=trial, **examples_of(trial.key))
    flash_toast(_told(trial), "bad" if trial.error else "ok")
    return see_other("keys.detail", key_id=key_id)


def _told(trial: Trial) -> str:
    """Say how it went, in a sentence."""
    if trial.error:
        return f"“{trial.key.name}” with {trial.model}: {trial.status}, {trial.error.message}"
    cost = "at a cost that nobody knows" if trial.cost is None else f"for ${amount(trial.cost)}"
    return f"“{trial.key.name}” works: {trial.model} answered in {number(trial.milliseconds)} ms {cost}."
