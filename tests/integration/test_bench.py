"""The bench, in its quickest form: what it writes, never how fast it was."""

import json
import os
import subprocess
import sys

import pytest

from bench.findings import Figure, Findings, Place
from bench.load import Load
from bench.report import write
from bench.rows import ROWS
from bench.servers import ROOT
from bench.sizes import QUICK
from bench.verdicts import judge

pytestmark = pytest.mark.any_database


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Run the bench on the smallest houses; give its two files."""
    folder = tmp_path_factory.mktemp("bench")
    database = os.environ.get("TEST_DATABASE", "sqlite")
    bench = [sys.executable, "-m", "bench", "--effort", "smallest", "--databases", database, "--into", str(folder)]
    done = subprocess.run(bench, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "quick.json").read_text()), (folder / "quick.md").read_text()


def test_every_row_was_measured_without_an_error(told):
    figures = [figure for figure in told[0]["figures"] if figure["place"]["size"] == "big"]
    assert [figure["row"] for figure in figures] == list(ROWS)
    for figure in figures:
        assert figure["load"]["requests"] > 0, figure
        assert figure["load"]["errors"] == 0, figure
        assert figure["ratio"] > 0, figure


def test_the_rows_that_must_not_grow_were_measured_in_the_small_house_too(told):
    small = [figure["row"] for figure in told[0]["figures"] if figure["place"]["size"] == "small"]
    assert small == [row.name for row in ROWS.values() if row.most_growth]


def test_calls_to_models_were_measured_beside_their_upstream_and_their_sums_agree(told):
    added = {figure["row"] for figure in told[0]["figures"] if figure["added"] is not None}
    assert added == {row.name for row in ROWS.values() if row.most_added}
    assert [soak["wrong"] for soak in told[0]["soaks"]] == [[]]
    assert all(soak["calls"] >= 50 for soak in told[0]["soaks"])
    assert "## Calls to models, beside the upstream itself" in told[1]


def test_the_first_visit_memory_and_start_are_told(told):
    assert [visit["page"] for visit in told[0]["visits"]] == ["sign-in page", "keys page"]
    assert all(visit["html"] > 500 and visit["static"] > 10_000 for visit in told[0]["visits"])
    assert all(worker > 10 for worker in told[0]["memory"][0]["after"])
    assert all(seconds > 0 for starts in told[0]["starts"].values() for seconds in starts)


def test_the_table_names_every_row_and_says_that_it_was_a_quick_run(told):
    assert all(row.title in told[1] for row in ROWS.values())
    assert "quick run" in told[1]


def test_a_missed_target_is_marked_with_its_reason(tmp_path):
    slow, bare = (Load(requests, 1.0, 1.0, 1.0, 1.0, 0) for requests in (10, 100))
    findings = Findings([Figure("key_info", Place("sqlite", "big", 1, 1), slow, bare, 9)])
    missed = {verdict.target for verdict in judge(findings) if not verdict.is_met}
    assert missed == {">= 0.5 x bare", "<= 4 statements"}
    write(findings, QUICK, tmp_path, "quick", by_wrk=True)
    assert (tmp_path / "quick.md").read_text().count("**MISSED**") == 2
