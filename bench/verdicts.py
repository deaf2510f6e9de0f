"""Which targets of the design are met, and why the others are not."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.findings import Figure, Findings, Memory, Place, Soak
from bench.first_visit import Visit
from bench.rows import (
    MISSED,
    MOST_FIRST_VISIT,
    MOST_GROWTH_OF_MEMORY,
    MOST_LATER,
    MOST_MEMORY_MB,
    MOST_REQUESTS,
    MOST_START_SECONDS,
    ROWS,
)


@dataclass(frozen=True)
class Verdict:
    """One target in one place."""

    subject: str
    kind: str
    target: str
    where: str
    found: str
    is_met: bool

    @property
    def reason(self) -> str:
        """Why it is missed."""
        return "" if self.is_met else MISSED.get((self.subject, self.kind), "no reason found yet")


def judge(findings: Findings) -> list[Verdict]:
    """Compare what was found with what is wanted."""
    found = {(figure.row, figure.place): figure for figure in findings.figures}
    return [
        *(verdict for figure in findings.figures if figure.bare for verdict in _of_figure(figure, found)),
        *(verdict for visit in findings.visits for verdict in _of_visit(visit)),
        *(verdict for memory in findings.memory for verdict in _of_memory(memory)),
        *(verdict for soak in findings.soaks for verdict in _of_soak(soak)),
        *(_of_start(database, max(seconds)) for database, seconds in findings.starts.items()),
    ]


def _of_figure(figure: Figure, found: dict[tuple[str, Place], Figure]) -> Iterator[Verdict]:
    """Judge one row in one place."""
    row, place, load = ROWS[figure.row], figure.place, figure.load
    where = f"{place.database}, {place.workers} worker{'s' * (place.workers > 1)}, c={place.connections}"
    yield Verdict(row.name, "errors", "no errors", where, str(load.errors), load.errors == 0)
    if row.least_ratio and figure.ratio is not None:
        target, is_met = f">= {row.least_ratio:g} x bare", figure.ratio >= row.least_ratio
        yield Verdict(row.name, "ratio", target, where, f"{figure.ratio:.2f}", is_met)
    if row.most_queries and figure.statements is not None:
        target, is_met = f"<= {row.most_queries} statements", figure.statements <= row.most_queries
        yield Verdict(row.name, "statements", target, where, str(figure.statements), is_met)
    if row.most_added and figure.added is not None and place.connections == 1:
        target, is_met = f"p50 <= {row.most_added:g} ms over the upstream itself", figure.added <= row.most_added
        yield Verdict(row.name, "added", target, where, f"{figure.added:.2f} ms", is_met)
    small = found.get((row.name, Place(place.database, "small", place.workers, place.connections)))
    if row.most_growth and small:
        target = f"p50 <= {row.most_growth:g} x that of the small house"
        is_met = load.p50 <= row.most_growth * small.load.p50
        yield Verdict(row.name, "growth", target, where, _times(load.p50, small.load.p50), is_met)
    other = found.get((row.beside[0], place)) if row.beside else None
    if row.beside and other:
        target = f"p95 <= {row.beside[1]:g} x that of {row.beside[0]}"
        is_met = load.p95 <= row.beside[1] * other.load.p95
        yield Verdict(row.name, "beside", target, where, _times(load.p95, other.load.p95), is_met)


def _of_visit(visit: Visit) -> Iterator[Verdict]:
    """Judge what a page weighs."""
    total = visit.html + visit.static
    for target, value, most in (
        (f"first visit <= {MOST_FIRST_VISIT:,} bytes", total, MOST_FIRST_VISIT),
        (f"first visit <= {MOST_REQUESTS} requests", visit.requests, MOST_REQUESTS),
        (f"later <= {MOST_LATER:,} bytes", visit.html, MOST_LATER),
    ):
        yield Verdict(visit.page, "size", target, "", f"{value:,}", value <= most)


def _of_memory(memory: Memory) -> Iterator[Verdict]:
    """Judge what a worker holds."""
    idle, growth = max(memory.idle), max(memory.after) / max(memory.warm) - 1
    flat = f"flat (+-{MOST_GROWTH_OF_MEMORY:.0%}) over {memory.requests:,} requests"
    small = f"idle <= {MOST_MEMORY_MB} MB"
    yield Verdict("memory", "size", small, memory.database, f"{idle} MB", idle <= MOST_MEMORY_MB)
    yield Verdict("memory", "growth", flat, memory.database, f"{growth:+.1%}", abs(growth) <= MOST_GROWTH_OF_MEMORY)


def _of_soak(soak: Soak) -> Iterator[Verdict]:
    """Judge the long run: the workers' memory and every sum."""
    growth = max(soak.after) / max(soak.warm) - 1
    flat = f"flat (+-{MOST_GROWTH_OF_MEMORY:.0%}) over {soak.calls:,} calls"
    found = "; ".join(soak.wrong[:3]) or "to the nano-dollar"
    yield Verdict("soak", "growth", flat, soak.database, f"{growth:+.1%}", abs(growth) <= MOST_GROWTH_OF_MEMORY)
    yield Verdict("soak", "sums", "every sum agrees", soak.database, found, not soak.wrong)


def _of_start(database: str, seconds: float) -> Verdict:
    """Judge how long it takes to be ready."""
    target = f"ready in <= {MOST_START_SECONDS:g} s"
    return Verdict("start", "time", target, database, f"{seconds:.2f} s", seconds <= MOST_START_SECONDS)


def _times(value: float, other: float) -> str:
    """Write a time beside another."""
    return f"{value:.2f} / {other:.2f} ms = {value / other:.2f}" if other else "nothing to compare with"
