"""Signing in on a command line, in the documented words."""

from typing import Any, Literal

from pydantic import RootModel

from selfserve.schemas.fields import Answer, FormCommand, Text


class CliConfirm(FormCommand):
    """The form that confirms a sign-in on a command line: which one, and the code that its terminal shows."""

    login: Text
    user_code: Text


class CliStarted(Answer):
    """`POST /sso/cli/start`."""

    login_id: str
    poll_secret: str
    user_code: str
    expires_in: int
    verification_uri_complete: str | None


class CliPending(Answer):
    """`GET /sso/cli/poll/{login_id}` while nobody has confirmed it."""

    status: Literal["pending"] = "pending"


class CliReady(Answer):
    """`GET /sso/cli/poll/{login_id}`, once: the secret of the key is in this answer and nowhere else."""

    status: Literal["ready"] = "ready"
    key: str
    user_id: str
    team_id: str | None = None
    teams: list[str] = []
    team_details: list[dict[str, Any]] = []


class CliPolled(RootModel[CliReady | CliPending]):
    """`GET /sso/cli/poll/{login_id}`."""
