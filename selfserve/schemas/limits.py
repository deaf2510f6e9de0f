"""What a user and a key have in common on the wire: budget and limits."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from selfserve.schemas.fields import Command, Dollars, Limit, Metadata, Names, Window, described_as, wrong


def _no_teams_yet(value: Any) -> None:
    """Say that teams do not exist yet rather than ignore them."""
    if value not in (None, "", []):
        raise wrong("cannot be used: this version has no teams yet. Leave it out.")


NoTeams = Annotated[
    None,
    BeforeValidator(_no_teams_yet),
    described_as({"enum": [None, "", []]}, says="There are no teams yet."),
]


class LimitFields(Command):
    """The limits that can be said of a user or a key, when one is made or changed."""

    models: Names | None = None
    max_budget: Dollars = None
    soft_budget: Dollars = None
    budget_duration: Window = None
    tpm_limit: Limit = None
    rpm_limit: Limit = None
    max_parallel_requests: Limit = None
    metadata: Metadata | None = None
    team_id: NoTeams = None
