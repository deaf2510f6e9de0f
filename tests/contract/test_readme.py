"""What the README shows is true: the commands run, the table of rights is the policy's."""

import re
import subprocess

from selfserve.cli import rights_table
from selfserve.upstreams import load_upstreams
from tests.application import MASTER_KEY, the_database, the_settings
from tests.servers import ROOT, running

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_rights_is_printed_from_the_policy():
    assert rights_table() in README


def test_the_documented_flow_runs_as_printed(app, tmp_path):
    flow = "\n".join(re.findall(r"<!-- flow -->\n```bash\n(.*?)```", README, re.DOTALL))
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "master_key").write_text(MASTER_KEY)
    with running(database_url=the_database().another("readme"), folder=tmp_path) as server:
        script = flow.replace("BASE=http://127.0.0.1:4000", f"BASE={server.url}")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout
    assert f"{server.url}/ui/onboarding?id=" in said
    assert said.count('"key":"sk-ss_') == 2
    assert '"deleted_keys":["ci-nightly"]' in said
    assert said.rstrip().endswith("1")


def test_every_command_of_make_that_it_names_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z]+)`", README)) | set(re.findall(r"^make ([a-z]+)$", README, re.MULTILINE))
    assert named
    assert [name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


def test_the_file_of_upstreams_that_is_shown_can_be_read(tmp_path):
    shown = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8")
    (tmp_path / "upstreams.toml").write_text(re.search(r"```toml\n(.*?)```", shown, re.DOTALL)[1])
    keys = {"OPENAI_API_KEY": "sk-one", "ANTHROPIC_API_KEY": "sk-two"}
    settings = the_settings(selfserve_upstreams=tmp_path / "upstreams.toml", upstream_base_url="")
    upstreams = load_upstreams(settings, keys)
    assert upstreams.route("fox").upstream_model == "Qwen/Qwen3-32B"
    assert upstreams.route("claude-sonnet-4-5").upstream.auth == "x-api-key"
    assert upstreams.route("whatever").upstream.name == "openai"
