"""Invitations and onboarding by curl."""

from typing import Any

from flask import Blueprint, g, request

from selfserve.errors import Conflict, Forbidden, Gone, NotFound, TooMany, Unauthenticated, Unavailable
from selfserve.permissions import Permission
from selfserve.schemas.onboarding import (
    Claimed,
    ClaimToken,
    InvitationAnswer,
    InvitationName,
    InvitationNew,
    InvitationUpdate,
    LinkQuery,
    OnboardingToken,
)
from selfserve.services import invitations, onboarding
from selfserve.web.guards import current_actor, public, requires
from selfserve.web.links import invitation_link, login_link, settings
from selfserve.web.passwords import may_set_password, refuse_passwords
from selfserve.web.render import accepts, raises, returns, wants_token
from selfserve.web.tokens import read_onboarding, sign_onboarding

api = Blueprint("onboarding_api", __name__)


@api.post("/invitation/new")
@requires(Permission.INVITATION_CREATE)
@accepts(InvitationNew)
@returns(InvitationAnswer, headers={"Location": "The whole link, to be sent to that person."})
@raises(NotFound, Conflict)
def new(command: InvitationNew) -> Any:
    """Make a link; its full address is in the `Location` header. An older open link of that user ends."""
    created = invitations.create_invitation(current_actor(), command.user_id)
    return _answer(created.invitation, created.user.user_id, created.secret), {
        "Location": invitation_link(created.secret)
    }


@api.get("/invitation/info")
@requires(Permission.INVITATION_READ)
@accepts(InvitationName)
@returns(InvitationAnswer)
@raises(NotFound)
def info(query: InvitationName) -> InvitationAnswer:
    """Show an invitation."""
    return _named(invitations.get_invitation(current_actor(), query.invitation_id), query.invitation_id)


@api.post("/invitation/update")
@requires(Permission.INVITATION_UPDATE)
@accepts(InvitationUpdate)
@returns(InvitationAnswer)
@raises(NotFound, Conflict)
def update(command: InvitationUpdate) -> InvitationAnswer:
    """End a link with `is_accepted: true`; `false` changes nothing."""
    ended = invitations.end_invitation(current_actor(), command.invitation_id, is_accepted=command.is_accepted)
    return _named(ended, command.invitation_id)


@api.post("/invitation/delete")
@requires(Permission.INVITATION_DELETE)
@accepts(InvitationName)
@returns(InvitationAnswer)
@raises(NotFound)
def delete(command: InvitationName) -> InvitationAnswer:
    """Delete an invitation; its link ends."""
    return _named(invitations.delete_invitation(current_actor(), command.invitation_id), command.invitation_id)


@api.get("/onboarding/get_token")
@public
@accepts(LinkQuery)
@returns(OnboardingToken)
@raises(Gone, TooMany, Unavailable)
def get_token(query: LinkQuery) -> OnboardingToken:
    """Look at a link without using it, and get the token that claims it."""
    opened = onboarding.open_link(query.invite_link, g.client)
    return OnboardingToken(
        login_url=invitation_link(query.invite_link), token=sign_onboarding(opened.id), user_email=opened.user.email
    )


@api.post("/onboarding/claim_token")
@public
@accepts(ClaimToken)
@returns(Claimed)
@wants_token("onboardingToken")
@raises(Unauthenticated, Forbidden, Conflict, Gone, TooMany, Unavailable)
def claim_token(command: ClaimToken) -> Any:
    """Set the password of the person whom the link is for. It works once."""
    invitation_id = read_onboarding(_bearer())
    if invitation_id is None:
        raise Unauthenticated(
            "Send the token of `/onboarding/get_token` as `Authorization: Bearer`; it lasts 15 minutes."
        )
    opened = onboarding.open_link(command.invitation_link, g.client)
    if opened.id != invitation_id or command.user_id not in (None, opened.user.user_id):
        raise Gone(onboarding.GONE)
    if not may_set_password(opened):
        refuse_passwords()
    shortest = settings().selfserve_password_min_length
    user = onboarding.claim(invitation_id, command.password, command.user_email, g.client, shortest=shortest)
    return {"login_url": login_link(), "user_email": user.email, "user": user}


def _bearer() -> str:
    """Read the token of a call that is made without a key."""
    return request.headers.get("Authorization", "").removeprefix("Bearer ").strip()


def _named(invitation: Any, name: str) -> InvitationAnswer:
    """Show an invitation under the name the caller used: the link's id is echoed only to who sent it."""
    return _answer(invitation, invitation.user.user_id, name)


def _answer(invitation: Any, user_id: str, shown_id: str) -> InvitationAnswer:
    """Write the nine documented fields."""
    fields = {
        name: getattr(invitation, name) for name in InvitationAnswer.model_fields if name not in ("id", "user_id")
    }
    return InvitationAnswer(id=shown_id, user_id=user_id, **fields)
