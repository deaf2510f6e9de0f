"""Where calls go: one upstream by two variables, several by a file; a file that cannot be used says why."""

from decimal import Decimal

import pytest

from selfserve.config import SettingsError, load_settings
from selfserve.upstreams import load_upstreams
from tests.application import the_settings

FILE = """
[[upstream]]
name = "openai"
base_url = "https://api.openai.com/v1/"
api_key_env = "OPENAI_API_KEY"
[[upstream.model]]
name = "fast"
upstream_name = "gpt-4o-mini"
[[upstream.model]]
name = "of the house"
prompt = 1.5
completion = 6
[[upstream.model]]
name = "nobody-knows"

[[upstream]]
name = "anthropic"
base_url = "https://api.anthropic.com/v1"
api_key_env = "ANTHROPIC_API_KEY"
[[upstream.model]]
name = "claude"
"""
KEYS = {"OPENAI_API_KEY": "one", "ANTHROPIC_API_KEY": "two"}


def load(tmp_path, text, environment=KEYS, **settings):
    """Load a file of upstreams."""
    path = tmp_path / "upstreams.toml"
    path.write_text(text, encoding="utf-8")
    alone = {"upstream_base_url": ""}
    return load_upstreams(the_settings(**(alone | settings), selfserve_upstreams=path), environment)


def test_without_a_setting_keys_open_nothing():
    upstreams = load_upstreams(the_settings(upstream_base_url=""))
    assert not upstreams.is_configured
    assert upstreams.route("gpt-4o-mini") is None


def test_two_variables_make_one_upstream_that_takes_every_model():
    settings = the_settings(upstream_base_url="https://llm.example.com/v1/", upstream_api_key="the key of it")
    route = load_upstreams(settings).route("gpt-4o-mini")
    assert (route.upstream.base_url, route.upstream.api_key) == ("https://llm.example.com/v1", "the key of it")
    assert route.price.usual.prompt == Decimal("0.00000015")
    assert "the key of it" not in repr(route)


def test_a_file_names_models_with_alias_and_price(tmp_path):
    upstreams = load(tmp_path, FILE)
    fast, house, unknown = (upstreams.route(name) for name in ("fast", "of the house", "nobody-knows"))
    assert (fast.upstream.name, fast.upstream_model, fast.upstream.base_url) == (
        "openai", "gpt-4o-mini", "https://api.openai.com/v1",
    )  # fmt: skip
    assert fast.price.usual.prompt == Decimal("0.00000015")
    assert (house.price.usual.prompt, house.price.usual.completion) == (Decimal("0.0000015"), Decimal("0.000006"))
    assert unknown.price is None
    assert upstreams.route("gpt-4o-mini") is None


def test_an_upstream_gets_its_key_the_way_it_wants_it(tmp_path):
    upstreams = load(tmp_path, FILE)
    assert (upstreams.route("claude").upstream.auth, upstreams.route("fast").upstream.auth) == ("x-api-key", "bearer")


def test_what_no_file_names_goes_to_the_upstream_of_the_variables(tmp_path):
    upstreams = load(tmp_path, FILE, upstream_base_url="http://rest.example.com/v1")
    assert upstreams.route("anything").upstream.name == "default"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not toml", "is not TOML"),
        ("", "upstream"),
        ('[[upstream]]\nname = "x"\nbase_url = "ftp://x"', "base_url of x must be an address"),
        ('[[upstream]]\nname = "x"\nbase_url = "http://x"\napi_key_env = "ABSENT"', "ABSENT is not set"),
        ('[[upstream]]\nname = "x"\nbase_url = "http://x"\nsecret = "sk-of-the-upstream"', "extra"),
        (FILE.replace('"claude"', '"fast"'), "names the model fast twice"),
        ('[[upstream]]\nname = "x"\nbase_url = "http://x"\n' * 2, "names the upstream x twice"),
        (
            "".join(f'[[upstream]]\nname = "{name}"\nbase_url = "http://x"\n' for name in "xy"),
            "only one upstream may go without",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_never_shows_a_secret(tmp_path, text, words):
    with pytest.raises(SettingsError, match=words) as error:
        load(tmp_path, text)
    assert "sk-of-the-upstream" not in str(error.value)


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load_upstreams(the_settings(selfserve_upstreams=tmp_path / "absent.toml"))


@pytest.mark.parametrize("address", ["https://llm.example.com/v1?key=abc", "https://llm.example.com/v1#x"])
def test_an_address_behind_which_no_path_can_be_put_stops_the_start(tmp_path, address):
    with pytest.raises(SettingsError, match="base_url of ours must be an address"):
        load(tmp_path, f'[[upstream]]\nname = "ours"\nbase_url = "{address}"\n')
    with pytest.raises(SettingsError, match=r"UPSTREAM_BASE_URL must be an address without \? and #"):
        load_settings({}, upstream_base_url=address)


@pytest.mark.parametrize("key", ["sk-one\nX-Other: 1", "sk-\u00e9", "sk-one\x7f"])
def test_a_key_that_no_header_can_hold_stops_the_start_and_is_not_told(tmp_path, key):
    """S-35: a client would name it when it refuses to send it."""
    file = '[[upstream]]\nname = "ours"\nbase_url = "https://llm.example.com/v1"\napi_key_env = "OURS"\n'
    with pytest.raises(SettingsError, match="OURS must be plain text in one line") as refused:
        load(tmp_path, file, {"OURS": key})
    assert "sk-" not in str(refused.value)
    with pytest.raises(SettingsError, match="UPSTREAM_API_KEY"):
        load_upstreams(the_settings(upstream_base_url="https://llm.example.com/v1", upstream_api_key=key))
