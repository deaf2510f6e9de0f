"""Every setting is documented in .env.example and in the README; nonsense stops the start."""

import os
import re
from pathlib import Path

import pytest

from selfserve.config import Settings, SettingsError, load_settings

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).parents[2]
SECRETS = {"LITELLM_MASTER_KEY", "SELFSERVE_SECRET_KEY"}
GOOD = {
    "LITELLM_MASTER_KEY": "sk-a-master-key-for-once-0123456789",
    "SELFSERVE_SECRET_KEY": "a secret key of thirty-two letters, or more",
}


def defaults():
    """Each setting as it would be written in a file."""
    written = {}
    for name, field in Settings.model_fields.items():
        value = "" if field.is_required() else field.default
        written[name.upper()] = str(value).lower() if isinstance(value, bool) else str(value or "")
    return written


def load(tmp_path, monkeypatch, **environment):
    """Load the settings from this environment alone."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name in defaults() or name.startswith("SELFSERVE_"):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_the_example_file_lists_every_setting_with_its_default():
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^#? ?(?:export )?([A-Z][A-Z_]+)=(.*)$", text, re.MULTILINE))
    assert set(listed) == set(defaults())
    documented = {name: value.strip("\"'") for name, value in listed.items() if name not in SECRETS}
    differing = {name: (value, defaults()[name]) for name, value in documented.items() if value != defaults()[name]}
    assert {name: pair for name, pair in differing.items() if pair[1]} == {}  # an empty default may show an example


def test_every_setting_says_what_it_is_for():
    assert [name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")] == []


def test_the_readme_lists_every_setting_with_its_words():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([A-Z][A-Z_]+)` \| [^|]* \| (.*) \|$", text, re.MULTILINE))
    assert rows == {name.upper(): field.description for name, field in Settings.model_fields.items()}


def test_good_settings_load(tmp_path, monkeypatch):
    settings = load(tmp_path, monkeypatch, **GOOD)
    assert (settings.host, settings.port) == ("127.0.0.1", 4000)


def test_the_documented_export_line_works_in_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text('export PROXY_LOGOUT_URL="https://www.google.com"\n')
    assert load(tmp_path, monkeypatch, **GOOD).proxy_logout_url == "https://www.google.com"


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("PORT=5000\nHOST=0.0.0.0\n")
    settings = load(tmp_path, monkeypatch, **GOOD, PORT="6000")
    assert (settings.host, settings.port) == ("0.0.0.0", 6000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LITELLM_MASTER_KEY", "sk-1234"),
        ("LITELLM_MASTER_KEY", "sk-" + "a" * 40),
        ("LITELLM_MASTER_KEY", "no-prefix-but-long-0123456789"),
        ("SELFSERVE_SECRET_KEY", "secret"),
        ("SELFSERVE_SECRET_KEY", "a" * 64),
        ("SELFSERVE_SECRET_KEY", GOOD["LITELLM_MASTER_KEY"]),
        ("SELFSERVE_NO_SUCH_THING", "1"),
        ("PORT", "http"),
        ("PORT", "70000"),
        ("DATABASE_URL", "mysql://x"),
        ("PROXY_BASE_URL", "keys.example.com"),
        ("PROXY_BASE_URL", "javascript:alert(1)"),
        ("PROXY_LOGOUT_URL", "https://a.example/; script-src *"),
        ("SELFSERVE_GATEWAY_URL", "llm.example.com/v1"),
        ("SELFSERVE_GATEWAY_URL", "https://llm.example.com/v1'; rm -rf ~"),
        ("SERVER_ROOT_PATH", "/a b"),
        ("SERVER_ROOT_PATH", "//evil.example"),
        ("LITELLM_UI_SESSION_DURATION", "soon"),
        ("SELFSERVE_TRUSTED_PROXIES", "-1"),
        ("SELFSERVE_AUTO_CREATE_KEY", "perhaps"),
    ],
)
def test_nonsense_stops_the_start_with_a_sentence_that_names_it_and_not_its_value(tmp_path, monkeypatch, name, value):
    if (name, value) == ("SERVER_ROOT_PATH", "//evil.example"):
        assert load(tmp_path, monkeypatch, **GOOD | {name: value}).server_root_path == "/evil.example"
        return
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, monkeypatch, **GOOD | {name: value})
    sentence = str(refused.value)
    assert sentence.startswith(name)
    assert sentence.rstrip().endswith((".", "!"))
    assert "KEY" not in name or value not in sentence


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_a_missing_secret_names_the_command_that_makes_it(tmp_path, monkeypatch, missing):
    with pytest.raises(SettingsError, match=r"selfserve\.setup"):
        load(tmp_path, monkeypatch, **{name: value for name, value in GOOD.items() if name != missing})


@pytest.mark.parametrize(
    ("base", "root", "public"),
    [
        ("https://keys.example.com", "", "https://keys.example.com"),
        ("https://keys.example.com/", "/llm/keys/", "https://keys.example.com/llm/keys"),
        ("https://keys.example.com/llm/keys", "/llm/keys", "https://keys.example.com/llm/keys"),
        ("", "/llm/keys", ""),
    ],
)
def test_the_root_path_is_in_a_link_once(tmp_path, monkeypatch, base, root, public):
    settings = load(tmp_path, monkeypatch, **GOOD, PROXY_BASE_URL=base, SERVER_ROOT_PATH=root)
    assert settings.public_url == public


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({}, "http://127.0.0.1:4000/v1"),
        ({"PROXY_BASE_URL": "https://keys.example.com"}, "https://keys.example.com/v1"),
        ({"SERVER_ROOT_PATH": "/llm"}, "http://127.0.0.1:4000/llm/v1"),
        ({"SELFSERVE_GATEWAY_URL": "https://llm.example.com/v1/"}, "https://llm.example.com/v1"),
        ({"SELFSERVE_GATEWAY_URL": "https://llm.example.com"}, "https://llm.example.com"),
    ],
)
def test_tools_are_pointed_at_the_gateway_or_else_at_the_portal(tmp_path, monkeypatch, settings, shown):
    assert load(tmp_path, monkeypatch, **GOOD | settings).gateway_url == shown


@pytest.mark.parametrize("prefix", ["postgres://", "postgresql://", "postgresql+psycopg://"])
def test_postgresql_is_understood_under_each_of_its_names(tmp_path, monkeypatch, prefix):
    settings = load(tmp_path, monkeypatch, **GOOD, DATABASE_URL=f"{prefix}u:p@h/d")
    assert settings.resolved_database_url == "postgresql+psycopg://u:p@h/d"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://u:p@host:abc/db"),
        ("PROXY_BASE_URL", "https://keys.example.com:abc"),
        ("PROXY_BASE_URL", "http://["),
        ("HOST", "no such host"),
        ("SELFSERVE_ADMIN_EMAIL", "nonsense"),
        ("LITELLM_UI_SESSION_DURATION", "99999d"),
        ("SELFSERVE_AUDIT_RETENTION", "29d"),
        ("SELFSERVE_AUDIT_RETENTION", "1mo"),
        ("SELFSERVE_AUDIT_RETENTION", "-1"),
    ],
)
def test_what_only_breaks_later_is_refused_at_the_start(tmp_path, monkeypatch, name, value):
    with pytest.raises(SettingsError, match=rf"^{name} must .*\.$"):
        load(tmp_path, monkeypatch, **GOOD | {name: value})


def test_a_host_that_is_named_like_the_root_path_is_no_root_path(tmp_path, monkeypatch):
    settings = load(tmp_path, monkeypatch, **GOOD, PROXY_BASE_URL="http://llm", SERVER_ROOT_PATH="/llm")
    assert settings.public_url == "http://llm/llm"


def test_a_relative_file_is_the_same_for_everybody(tmp_path, monkeypatch):
    settings = load(tmp_path, monkeypatch, **GOOD, DATABASE_URL="sqlite:///mine.db")
    assert settings.resolved_database_url == f"sqlite:///{tmp_path / 'mine.db'}"


def test_an_address_of_the_new_internet_can_be_listened_on(tmp_path, monkeypatch):
    assert load(tmp_path, monkeypatch, **GOOD, HOST="::1").host == "[::1]"


def test_a_session_of_three_centuries_is_told_to_be_too_long(tmp_path, monkeypatch):
    with pytest.raises(SettingsError, match="100 years"):
        load(tmp_path, monkeypatch, **GOOD, LITELLM_UI_SESSION_DURATION="99999d")
