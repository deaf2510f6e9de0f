"""What users and keys have in common: a name to search by, and limits; and what became of links of any kind."""

import json
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import JSON, BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column, validates

from selfserve.clock import now
from selfserve.errors import Stale
from selfserve.minting import fingerprint


class Aliased:
    """A name that people give, and the same case folded, by which it is searched."""

    alias: Mapped[str | None] = mapped_column(String(255))
    alias_key: Mapped[str | None] = mapped_column(String(255))

    @validates("alias")
    def _keep_alias_key(self, _: str, alias: str | None) -> str | None:
        """Keep the searchable form beside the name."""
        self.alias_key = alias.casefold()[:255] if alias else None
        return alias


class Limited:
    """What may be called, and how much of it; an empty list and None mean no limit."""

    models: Mapped[list[str]] = mapped_column(JSON, default=list)
    tpm_limit: Mapped[int | None] = mapped_column(BigInteger)
    rpm_limit: Mapped[int | None] = mapped_column(BigInteger)
    max_parallel_requests: Mapped[int | None] = mapped_column(BigInteger)


class Edited:
    """What a form shows whole and sets whole, so that it must not undo what somebody else changed meanwhile."""

    in_the_form: ClassVar[list[str]]

    @property
    def edition(self) -> str:
        """A hash of the columns that the form shows: neither use nor spend is a change of them."""
        return fingerprint(json.dumps([getattr(self, name) for name in self.in_the_form], default=str))

    def refuse_stale(self, shown: str | None) -> None:
        """Raise Stale if this is not the edition that was shown; who names single fields was shown none."""
        if shown is not None and shown != self.edition:
            raise Stale


class LinkStatus(StrEnum):
    """What became of a link: only an open one opens anything."""

    OPEN = "open"
    USED = "used"
    ENDED = "ended"
    EXPIRED = "expired"


def status_of_link(used_at: datetime | None, ended_at: datetime | None, expires_at: datetime) -> LinkStatus:
    """Tell what became of a link; one that was ended after it had expired is expired."""
    if used_at is not None:
        return LinkStatus.USED
    if ended_at is not None and ended_at < expires_at:
        return LinkStatus.ENDED
    return LinkStatus.OPEN if expires_at > now() else LinkStatus.EXPIRED
