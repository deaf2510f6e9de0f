"""What a user and a key have in common: a name to search by, and limits."""

from sqlalchemy import JSON, BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column, validates


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
