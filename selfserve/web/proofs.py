"""Asking who is signed in to confirm that it is them; what they were about to send waits in that form (S-39)."""

import re
from typing import Any

from flask import Response, request
from flask_login import current_user
from wtforms import PasswordField

from selfserve.errors import ProofNeeded
from selfserve.proofs import RECENT
from selfserve.schemas.account import PasswordProof
from selfserve.services import proofs
from selfserve.sso.providers import Provider
from selfserve.web.forms import SchemaForm, printable
from selfserve.web.links import providers, way_back
from selfserve.web.render import render, wants_fragment

_OURS = ("csrf_token", "username", "current_password")
"""Fields of the form that asks itself."""


class ConfirmForm(SchemaForm[PasswordProof]):
    """The current password."""

    schema = PasswordProof
    current_password = PasswordField("Password")


def provider_of_session() -> Provider | None:
    """Give the provider that vouches for who is signed in, if there is one and it is still set up."""
    return next((one for one in providers().values() if one.vouches_as(current_user.live.issuer)), None)


def takes_password() -> bool:
    """Tell whether a password, and nothing else, confirms who is signed in."""
    return proofs.takes_password(current_user.live.method, has_password=current_user.live.has_password)


def ask_for_proof(needed: ProofNeeded) -> Response:
    """Answer a form whose deed wants proof: it was not done, and is sent again by the form that asks."""
    return show_proof(ConfirmForm(is_fresh=True), way_back(), 403, deed=needed.deed)


def show_proof(form: ConfirmForm, target: str, status: int, **context: Any) -> Response:
    """Answer with the form that asks, as a page or in the dialog; it brings along all that was typed."""
    asked = request.headers.get("HX-Target", "")
    told = {
        "form": form,
        "target": target,
        "swapped": asked if re.fullmatch(r"[A-Za-z][\w-]{0,80}", asked) else "",
        "carried": [printable([*pair]) for pair in request.form.items(multi=True) if pair[0] not in _OURS],
        "provider": None if takes_password() else provider_of_session(),
        "takes_password": takes_password(),
        "deed": None,
        "recent": int(RECENT.total_seconds()) // 60,
    }
    response = render("confirm/index.html", "confirm/_ask.html", status, **told | context)
    if wants_fragment():
        response.headers.update({"HX-Retarget": "#dialog-body", "HX-Reswap": "innerHTML"})
    return response
