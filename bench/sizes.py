"""How much there is in a database, and how long a row is measured."""

from dataclasses import dataclass

OWN_KEYS = 60
"""Keys of the one user whose own pages are measured."""
DAYS = 90
"""The recorded calls lie in these last days."""


@dataclass(frozen=True)
class Size:
    """How many of each there are."""

    name: str
    users: int
    keys: int
    calls: int

    @property
    def last_at_work(self) -> int:
        """The users up to this one may do something; one in a hundred is blocked."""
        return self.users - self.users // 100

    @property
    def own_calls(self) -> int:
        """Calls of the one user whose own spend is measured: as many in a large house as in a small one."""
        return min(3_000, self.calls // 3)

    @property
    def busy_keys(self) -> int:
        """How many keys of others make the other calls, about a thousand each."""
        return max(10, min(self.calls // 1_000, self.keys - OWN_KEYS))


@dataclass(frozen=True)
class Effort:
    """How thoroughly to measure."""

    small: Size
    big: Size
    workers: tuple[int, ...] = (1, 2)
    connections: tuple[int, ...] = (1, 16)
    seconds: float = 10
    warm_up: float = 3
    memory_requests: int = 100_000
    soak_calls: int = 100_000


FULL = Effort(Size("small", 100, 1_000, 10_000), Size("big", 100_000, 1_000_000, 10_000_000))
SHORT = Effort(FULL.small, FULL.big, workers=(2,), seconds=3, warm_up=1, memory_requests=40_000, soak_calls=20_000)
"""The same houses as the full run, in a quarter of its time."""
QUICK = Effort(
    Size("small", 20, 200, 1_000),
    Size("big", 200, 2_000, 10_000),
    workers=(1,),
    seconds=1,
    warm_up=1,
    memory_requests=2_000,
    soak_calls=2_000,
)
SMALLEST = Effort(
    Size("small", 5, 70, 90),
    Size("big", 10, 90, 180),
    workers=(1,),
    connections=(1,),
    seconds=0.1,
    warm_up=0.02,
    memory_requests=50,
    soak_calls=50,
)
