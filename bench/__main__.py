"""`python -m bench`: fill the databases, measure, write the tables."""

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

from bench.databases import place_of, set_up
from bench.fill import fill
from bench.findings import Findings
from bench.load import WITHOUT_WRK, has_wrk
from bench.measure import Bench
from bench.report import write
from bench.rows import ROWS, SOAK
from bench.servers import upstream
from bench.sizes import FULL, QUICK, SHORT, SMALLEST, Effort
from bench.soak import soak

RESULTS = Path(__file__).with_name("results")
DATABASES = ("sqlite", "postgresql")


def main(arguments: list[str]) -> int:
    """Measure what was asked for; tell how many targets were missed."""
    asked = _parser().parse_args(arguments)
    effort: Effort = {"full": FULL, "short": SHORT, "quick": QUICK, "smallest": SMALLEST}[asked.effort]
    by_wrk = has_wrk() and asked.effort != "smallest"
    if not by_wrk:
        print(WITHOUT_WRK)
    findings = Findings()
    for database in asked.databases:
        _measure_database(database, effort, frozenset(asked.only), findings, by_wrk=by_wrk)
    verdicts = write(
        findings, effort, asked.into, "figures" if asked.effort in ("full", "short") else "quick", by_wrk=by_wrk
    )
    missed = [verdict for verdict in verdicts if not verdict.is_met]
    print(f"{len(verdicts) - len(missed)} of {len(verdicts)} targets met; the tables are in {asked.into}/")
    return 0


def _measure_database(database: str, effort: Effort, only: frozenset[str], findings: Findings, *, by_wrk: bool) -> None:
    """Measure one kind of database: first the small house, then the big one."""
    with (
        tempfile.TemporaryDirectory(prefix="selfserve-bench-") as name,
        place_of(database, Path(name)) as place,
        upstream({"SELFSERVE_DATA_DIR": name}) as behind,
    ):
        for size in (effort.small,) if only == {SOAK} else (effort.small, effort.big):
            environment = {
                "DATABASE_URL": place.make(size.name),
                "LITELLM_MASTER_KEY": f"sk-{secrets.token_urlsafe(32)}",
                "SELFSERVE_SECRET_KEY": secrets.token_urlsafe(48),
                "SELFSERVE_DATA_DIR": name,
                "PROXY_BASE_URL": "http://127.0.0.1:4000",
                "UPSTREAM_BASE_URL": f"http://{behind.host}/v1",
            }
            began = time.monotonic()
            set_up(environment)
            given = fill(environment["DATABASE_URL"], size)
            set_up(environment)
            print(f"{database}, the {size.name} house: filled in {time.monotonic() - began:.0f} s", flush=True)
            bench = Bench(database, size, environment, given, effort, by_wrk, only, behind)
            if size is effort.small:
                bench.measure_growth(findings)
                findings.soaks += [soak(bench)] if not only or SOAK in only else []
            else:
                bench.measure_all(findings)
            place.remove(size.name)


def _parser() -> argparse.ArgumentParser:
    """Say what can be asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--effort", choices=("full", "short", "quick", "smallest"), default="full")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--only", nargs="+", choices=(*ROWS, SOAK), default=(), help="these rows, and no memory")
    parser.add_argument("--into", type=Path, default=RESULTS, help="the folder for the tables")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
