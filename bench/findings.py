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
    """One row in one place, and beside it the bare view and, for a call to a model, its upstream itself."""

    row: str
    place: Place
    load: Load
    bare: Load | None = None
    statements: int | None = None
    direct: Load | None = None

    @property
    def ratio(self) -> float | None:
        """How many times as many requests per second as the bare view."""
        return self.load.per_second / self.bare.per_second if self.bare and self.bare.requests else None

    @property
    def added(self) -> float | None:
        """How many milliseconds later than the upstream itself, at the median."""
        return self.load.p50 - self.direct.p50 if self.direct else None


@dataclass(frozen=True)
class Memory:
    """MB of each worker: at rest, after the first tenth of the requests, after all of them."""

    database: str
    requests: int
    idle: list[float]
    warm: list[float]
    after: list[float]


@dataclass(frozen=True)
class Soak:
    """The long run of calls: MB of each worker after a tenth of them and after all, and which sums are wrong."""

    database: str
    calls: int
    seconds: int
    warm: list[float]
    after: list[float]
    wrong: list[str]


@dataclass
class Findings:
    """All that was found out."""

    figures: list[Figure] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    soaks: list[Soak] = field(default_factory=list)
    starts: dict[str, list[float]] = field(default_factory=dict)
