"""What was found out."""

from dataclasses import dataclass, field

from bench.first_visit import Visit
from bench.load import Load


@dataclass(frozen=True)
class Place:
    """In which database, and how it was run."""

    database: str
    size: str
    workers: int
    connections: int


@dataclass(frozen=True)
class Figure:
    """One row in one place, and the bare view beside it."""

    row: str
    place: Place
    load: Load
    bare: Load | None = None
    statements: int | None = None

    @property
    def ratio(self) -> float | None:
        """How many times as many requests per second as the bare view."""
        return self.load.per_second / self.bare.per_second if self.bare and self.bare.requests else None


@dataclass(frozen=True)
class Memory:
    """MB of each worker: at rest, after the first tenth of the requests, after all of them."""

    database: str
    requests: int
    idle: list[float]
    warm: list[float]
    after: list[float]


@dataclass
class Findings:
    """All that was found out."""

    figures: list[Figure] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    starts: dict[str, list[float]] = field(default_factory=dict)
