"""What a user and a key have in common on the wire: budget and limits."""

from typing import Any

from pydantic import field_validator

from selfserve.schemas.fields import Command, Dollars, Limit, Metadata, Names, Window, wrong


def no_teams_yet(value: Any) -> None:
    """Say that teams do not exist yet rather than ignore them."""
    if value:
        raise wrong("cannot be used: this version has no teams yet. Leave it out.")


class LimitFields(Command):
    """The limits that can be said of a user or a key, when one is made or changed."""

    models: Names | None = None
    max_budget: Dollars = None
    budget_duration: Window = None
    tpm_limit: Limit = None
    rpm_limit: Limit = None
    max_parallel_requests: Limit = None
    metadata: Metadata | None = None
    team_id: Any = None

    _no_team = field_validator("team_id")(no_teams_yet)
