"""Writes what was found: JSON for machines, Markdown for people."""

import json
import os
import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.databases import ROOT
from bench.findings import Figure, Findings
from bench.load import WITHOUT_WRK
from bench.rows import ROWS
from bench.sizes import FULL, SHORT, Effort, Size
from bench.verdicts import Verdict, judge


def write(findings: Findings, effort: Effort, folder: Path, name: str, *, by_wrk: bool) -> list[Verdict]:
    """Write both files; give the verdicts."""
    folder.mkdir(parents=True, exist_ok=True)
    verdicts = judge(findings)
    where = machine()
    told: dict[str, Any] = {"machine": where, "effort": asdict(effort), "by_wrk": by_wrk, **asdict(findings)}
    for written, figure in zip(told["figures"], findings.figures, strict=True):
        written |= {"ratio": figure.ratio, "added": figure.added}
    told["verdicts"] = [asdict(verdict) | {"reason": verdict.reason} for verdict in verdicts]
    (folder / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    lines = [
        *_head(where, effort, by_wrk=by_wrk),
        *_verdict_lines(verdicts),
        *_figure_lines(findings.figures),
        *_added_lines([figure for figure in findings.figures if figure.direct]),
    ]
    (folder / f"{name}.md").write_text("\n".join([*lines, *_other_lines(findings)]) + "\n", encoding="utf-8")
    return verdicts


def machine() -> dict[str, Any]:
    """Describe the machine and what runs on it."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return {
        "at": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": commit.stdout.strip(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _head(machine: dict[str, Any], effort: Effort, *, by_wrk: bool) -> list[str]:
    """Say where and how it was measured."""
    lines = ["# Figures", "", "Made by `make bench`; what they mean stands in docs/performance.md.", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    lines += [_size_line(effort.small), _size_line(effort.big), f"- seconds a row: {effort.seconds:g}"]
    if effort == SHORT:
        lines += ["", "A short run: the houses of the full one, two workers, 3 seconds a row instead of 10."]
    elif effort != FULL:
        lines += ["", "**A quick run: it shows that the tool works, not how fast Selfserve is.**"]
    return [*lines, *([] if by_wrk else ["", f"**{WITHOUT_WRK}**"]), ""]


def _size_line(size: Size) -> str:
    """Say how much is in a house."""
    return f"- the {size.name} house: {size.users:,} users, {size.keys:,} keys, {size.calls:,} calls"


def _verdict_lines(verdicts: list[Verdict]) -> list[str]:
    """Write one line for each target: met everywhere, or where it is missed and why."""
    lines = ["## Targets", "", "| what | target | result |", "|---|---|---|"]
    for subject, target in dict.fromkeys((verdict.subject, verdict.target) for verdict in verdicts):
        all_of_it = [verdict for verdict in verdicts if (verdict.subject, verdict.target) == (subject, target)]
        missed = [verdict for verdict in all_of_it if not verdict.is_met]
        if missed:
            places = "; ".join(f"{verdict.where} {verdict.found}".strip() for verdict in missed)
            result = f"**MISSED** {len(missed)} of {len(all_of_it)}: {missed[0].reason} ({places})"
        else:
            result = f"met: {all_of_it[0].found}" if len(all_of_it) == 1 else f"met, {len(all_of_it)} times"
        lines.append(f"| {_title(subject)} | {target} | {result} |")
    return [*lines, ""]


def _title(subject: str) -> str:
    """Give a row's words."""
    return ROWS[subject].title if subject in ROWS else subject


def _figure_lines(figures: list[Figure]) -> list[str]:
    """Write the figures, a table for each database, size and number of workers."""
    lines: list[str] = []
    for group in dict.fromkeys((one.place.database, one.place.size, one.place.workers) for one in figures):
        database, size, workers = group
        lines += [f"## {database}, the {size} house, {workers} worker{'s' * (workers > 1)}", ""]
        lines += ["| row | c | per second | bare | ratio | p50 ms | p95 ms | p99 ms | errors | statements |"]
        lines += ["|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
        of_group = [one for one in figures if (one.place.database, one.place.size, one.place.workers) == group]
        lines += [*map(_figure_line, of_group), ""]
    return lines


def _figure_line(figure: Figure) -> str:
    """Write one row."""
    load, beside = figure.load, figure.bare
    cells = [
        ROWS[figure.row].title,
        str(figure.place.connections),
        f"{load.per_second:,.0f}",
        f"{beside.per_second:,.0f}" if beside else "",
        f"{figure.ratio:.2f}" if figure.ratio is not None else "",
        *(f"{time:.2f}" for time in (load.p50, load.p95, load.p99)),
        str(load.errors),
        "" if figure.statements is None else str(figure.statements),
    ]
    return f"| {' | '.join(cells)} |"


def _added_lines(figures: list[Figure]) -> list[str]:
    """Write what calls to models take longer than the upstream itself does."""
    lines = ["## Calls to models, beside the upstream itself", ""]
    lines += ["| row | database | workers | c | p50 ms | itself | added |", "|---|---|---:|---:|---:|---:|---:|"]
    for figure in figures:
        place, direct = figure.place, figure.direct
        where = [ROWS[figure.row].title, place.database, str(place.workers), str(place.connections)]
        times = [f"{time:.2f}" for time in (figure.load.p50, direct.p50 if direct else 0, figure.added or 0)]
        lines.append(f"| {' | '.join([*where, *times])} |")
    return [*lines, ""] if figures else []


def _other_lines(findings: Findings) -> list[str]:
    """Write the first visit, memory and start."""
    lines = ["## First visit, memory, start", "", "| what | found |", "|---|---|"]
    for visit in findings.visits:
        found = f"{visit.html:,} bytes of HTML (gzip -6) + {visit.static:,} of static files, {visit.requests} requests"
        lines.append(f"| {visit.page} | {found} |")
    for memory in findings.memory:
        steps = " -> ".join(f"{max(worker):.1f}" for worker in (memory.idle, memory.warm, memory.after))
        lines.append(f"| MB of a worker, {memory.database}: idle, warm, after {memory.requests:,} requests | {steps} |")
    for soak in findings.soaks:
        steps = f"{max(soak.warm):.1f} -> {max(soak.after):.1f}"
        what = f"MB of a worker, {soak.database}: after a tenth, after {soak.calls:,} calls in {soak.seconds:,} s"
        lines.append(f"| {what} | {steps}; {'; '.join(soak.wrong[:3]) or 'every sum agrees'} |")
    for database, seconds in findings.starts.items():
        lines.append(f"| seconds to the first readiness, {database} | {', '.join(f'{one:.2f}' for one in seconds)} |")
    return lines
