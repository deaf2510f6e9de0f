"""Invitations and onboarding on the wire."""

from typing import Annotated

from pydantic import Field

from selfserve.schemas.fields import Answer, Command, Flag, FormCommand, OptionalEmail, Text, Timestamp
from selfserve.schemas.users import UserAnswer

Password = Annotated[str, Field(min_length=1, max_length=1024)]


class InvitationNew(Command):
    """`POST /invitation/new`."""

    user_id: Text


class InvitationName(Command):
    """`POST /invitation/delete` and `GET /invitation/info`: the link's id or the row's own."""

    invitation_id: Text


class InvitationUpdate(InvitationName):
    """`POST /invitation/update`: `is_accepted: true` ends the link, `false` changes nothing."""

    is_accepted: Flag


class LinkQuery(Command):
    """`GET /onboarding/get_token`."""

    invite_link: Text


class ClaimToken(Command):
    """`POST /onboarding/claim_token`."""

    invitation_link: Text
    user_id: Text | None = None
    user_email: OptionalEmail = None
    password: Password


class WelcomeForm(FormCommand):
    """The form of the onboarding page; the address only where the account has none."""

    email: OptionalEmail = None
    password: Password


class ResetForm(FormCommand):
    """The form behind a reset link."""

    password: Password


class InvitationAnswer(Answer):
    """The nine documented fields. `id` opens the link only in the answer that made it, or for who sent it."""

    id: str
    user_id: str
    is_accepted: bool
    accepted_at: Timestamp | None
    expires_at: Timestamp
    created_at: Timestamp
    created_by: str
    updated_at: Timestamp
    updated_by: str


class OnboardingToken(Answer):
    """`GET /onboarding/get_token`."""

    login_url: str
    token: str
    user_email: str | None


class Claimed(Answer):
    """`POST /onboarding/claim_token`: no session, no key."""

    login_url: str
    user_email: str | None
    user: UserAnswer
