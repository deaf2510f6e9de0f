"""The examples beside a key do what they say: they run, compile and hold no secret."""

import json
import subprocess

import pytest

from tests.application import the_app, the_database
from tests.clients import Browser, InProcess
from tests.factories import make_key, make_user, reload
from tests.html import SECRET
from tests.integration.pages.parts import found
from tests.servers import running
from tests.upstream import KEY

TABS = {"curl", "python", "javascript", "claude", "cursor", "continue", "env"}


def snippets(answer):
    """Read every example of a page."""
    marked = {tab: found(answer, f"snippet-{tab}") for tab in TABS}
    return {tab: "".join(element.itertext()) for tab, element in marked.items() if element is not None}


@pytest.fixture
def shown(browser, mia):
    """Make a key as Mia does; give the answer that shows it."""
    page = browser(mia)
    page.get("/ui/keys/new")
    return page.submit("/ui/keys", key_alias="laptop", reveals=True)


def test_the_secret_is_in_the_one_output_and_in_no_example(shown):
    (secret,) = SECRET.findall(shown.text)
    assert set(snippets(shown)) == TABS
    assert secret not in "".join(snippets(shown).values())


def test_one_tab_is_open_and_each_has_its_name(shown):
    tabs = [radio for radio in shown.html.all("input") if radio.get("name") == "tool"]
    assert {tab.get("value"): tab.get("checked") is not None for tab in tabs} == dict.fromkeys(TABS, False) | {
        "curl": True
    }


def test_the_curl_runs_as_printed(app, shown, upstream, tmp_path):
    (secret,) = SECRET.findall(shown.text)
    portal = the_app().config["SETTINGS"].address
    there = {"UPSTREAM_BASE_URL": upstream.url, "UPSTREAM_API_KEY": KEY}
    with running(database_url=the_database().url, folder=tmp_path, **there) as server:
        script = snippets(shown)["curl"].replace(portal, server.url)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            env={"OPENAI_API_KEY": secret, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["choices"][0]["message"]["content"]
    assert upstream.last.body["model"] == "gpt-5-mini"


def test_the_python_compiles(shown):
    compile(snippets(shown)["python"], "example.py", "exec")


def test_the_settings_files_are_read_by_a_shell(shown):
    for tab in ("env", "claude"):
        text = snippets(shown)[tab]
        done = subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True, timeout=10)
        assert (done.returncode, done.stderr) == (0, ""), text


@pytest.mark.parametrize(
    ("models", "named"),
    [
        ([], "gpt-5-mini"),
        (["o4", "claude-x"], "o4"),
        (["openai/*", "o4"], "o4"),
        (['x"); import os; os.system("id")', "$(id)", "-p", "`id`"], "gpt-5-mini"),
    ],
)
def test_the_models_named_are_the_keys_own_and_harmless(browser, models, named):
    page = browser(make_user("Pia", models=models))
    page.get("/ui/keys/new")
    told = snippets(page.submit("/ui/keys", key_alias="one", reveals=True))
    assert f'model="{named}"' in told["python"]
    assert f'model: "{named}"' in told["javascript"]
    claude = "claude-x" if "claude-x" in models else "claude-sonnet-4-5"
    assert told["claude"].endswith(f"claude --model {claude}")


def test_the_tools_are_pointed_at_the_gateway(app_with, mia):
    page = Browser(InProcess(app_with(selfserve_gateway_url="https://llm.example.com/v1"))).sign_in(mia)
    page.get("/ui/keys/new")
    told = snippets(page.submit("/ui/keys", key_alias="laptop", reveals=True))
    assert 'base_url="https://llm.example.com/v1"' in told["python"]
    assert "OPENAI_BASE_URL=https://llm.example.com/v1" in told["env"]
    assert "ANTHROPIC_BASE_URL=https://llm.example.com\n" in told["claude"]
    assert "curl -fsS https://llm.example.com/v1/chat/completions" in told["curl"]


def test_the_same_by_curl_does_on_a_running_server_what_the_page_does(browser, mia, tmp_path):
    key, managing = make_key(mia, "laptop"), make_key(mia, "managing")
    page = browser(mia).get(f"/ui/keys/{key.row.id}")
    portal = the_app().config["SETTINGS"].address

    def run(deed):
        script = "".join(found(page, f"curl-{deed}").itertext()).replace(portal, server.url)
        environment = {"KEY": managing.secret, "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], env=environment, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, ""), script
        return json.loads(done.stdout)

    with running(database_url=the_database().url, folder=tmp_path) as server:
        assert run("show")["info"]["key_alias"] == "laptop"
        assert (run("change")["max_budget"], reload(key.row).budget_duration) == (20, "1mo")
        assert SECRET.fullmatch(run("rotate")["key"])
        assert run("block")["blocked"] is True
        assert run("delete") == {"deleted_keys": [key.row.id], "not_found": []}
    assert reload(key.row).restorable_until is None
