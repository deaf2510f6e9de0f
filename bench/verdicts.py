"""Which targets of the design are met, and why the others are not."""

from dataclasses import dataclass

from bench.findings import Figure, Findings, Memory, Place
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
    target: str
    where: str
    found: str
    is_met: bool
    reason: str = ""


def judge(findings: Findings) -> list[Verdict]:
    """Compare what was found with what is wanted."""
    found = {(figure.row, figure.place): figure for figure in findings.figures}
    verdicts = [verdict for figure in findings.figures if figure.bare for verdict in _of_figure(figure, found)]
    for visit in findings.visits:
        total = visit.html + visit.static
        verdicts += [
            _verdict(
                visit.page, f"first visit <= {MOST_FIRST_VISIT:,} bytes", "", f"{total:,}", total <= MOST_FIRST_VISIT
            ),
            _verdict(
                visit.page, f"<= {MOST_REQUESTS} requests", "", str(visit.requests), visit.requests <= MOST_REQUESTS
            ),
            _verdict(visit.page, f"later <= {MOST_LATER:,} bytes", "", f"{visit.html:,}", visit.html <= MOST_LATER),
        ]
    for memory in findings.memory:
        verdicts += _of_memory(memory)
    for database, seconds in findings.starts.items():
        slowest = max(seconds)
        target = f"ready in <= {MOST_START_SECONDS:g} s"
        verdicts.append(_verdict("start", target, database, f"{slowest:.2f} s", slowest <= MOST_START_SECONDS))
    return verdicts


def _of_figure(figure: Figure, found: dict[tuple[str, Place], Figure]) -> list[Verdict]:
    """Judge one row in one place."""
    row, place, load = ROWS[figure.row], figure.place, figure.load
    where = f"{place.database}, {place.workers} worker{'s' * (place.workers > 1)}, c={place.connections}"
    verdicts = [_verdict(row.name, "no errors", where, str(load.errors), load.errors == 0)]
    if row.least_ratio and figure.ratio is not None:
        target = f">= {row.least_ratio:g} x bare"
        verdicts.append(_verdict(row.name, target, where, f"{figure.ratio:.2f}", figure.ratio >= row.least_ratio))
    if row.most_queries and figure.statements is not None:
        target = f"<= {row.most_queries} statements"
        is_met = figure.statements <= row.most_queries
        verdicts.append(_verdict(row.name, target, where, str(figure.statements), is_met))
    small = found.get((row.name, Place(place.database, "small", place.workers, place.connections)))
    if row.most_growth and small:
        target = f"p50 <= {row.most_growth:g} x that of the small house"
        verdicts.append(_compared(row.name, target, where, load.p50, small.load.p50, row.most_growth))
    other = found.get((row.beside[0], place)) if row.beside else None
    if row.beside and other:
        target = f"p95 <= {row.beside[1]:g} x that of {row.beside[0]}"
        verdicts.append(_compared(row.name, target, where, load.p95, other.load.p95, row.beside[1]))
    return verdicts


def _of_memory(memory: Memory) -> list[Verdict]:
    """Judge what a worker holds."""
    idle, growth = max(memory.idle), max(memory.after) / max(memory.warm) - 1
    flat = f"flat (+-{MOST_GROWTH_OF_MEMORY:.0%}) over {memory.requests:,} requests"
    return [
        _verdict("memory", f"idle <= {MOST_MEMORY_MB} MB", memory.database, f"{idle} MB", idle <= MOST_MEMORY_MB),
        _verdict("memory", flat, memory.database, f"{growth:+.1%}", abs(growth) <= MOST_GROWTH_OF_MEMORY),
    ]


def _compared(subject: str, target: str, where: str, value: float, other: float, most: float) -> Verdict:
    """Judge a time beside another."""
    found = f"{value:.2f} / {other:.2f} ms = {value / other:.2f}" if other else "nothing to compare with"
    return _verdict(subject, target, where, found, bool(other) and value / other <= most)


def _verdict(subject: str, target: str, where: str, found: str, is_met: bool) -> Verdict:
    """Give the reason of what is missed."""
    return Verdict(subject, target, where, found, is_met, "" if is_met else MISSED.get(subject, "no reason found yet"))
