"""What the code does not do: build SQL, run what it is sent, call out, debug (S-26, S-31, S-33, S-34, S-42)."""

import ast
import os
import re
from pathlib import Path

import pytest

from tests.application import MASTER_KEY, the_app, the_settings
from tests.clients import Curl, OverHttp

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).parents[3] / "selfserve"
SOURCES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.rglob("*.py"))}
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ENTRANCES = {"setup.py", "serve.py", "config/__init__.py", "web/statics.py", "demo.py", "backup.py"}
ENTRANCES |= {"upstreams.py", "prices.py", "price_refresh.py"}
"""Read files and the environment: before any request, at the server's own shell, or our own static files."""
NEVER_IMPORTED = {
    "pickle", "marshal", "shelve", "subprocess", "requests", "httpx", "urllib3", "aiohttp", "http", "socket", "ftplib",
    "smtplib", "xml", "lxml", "yaml", "tempfile", "shutil", "importlib", "ctypes",
}  # fmt: skip
MEANT = {
    "setup.py": {"socket"},  # to find out whether the port is free
    "lines.py": {"http"},  # reads what comes in over a connection that somebody else opened
    "gateway/client.py": {"urllib3"},  # to the upstreams of the settings, and nowhere else
    "gateway/checks.py": {"urllib3"},  # to the same
    "sso/http.py": {"urllib3"},  # to the identity providers of the settings, and where they say that they are
    "post/smtp.py": {"smtplib", "socket"},  # to the mail server of the settings
    "post/reasons.py": {"smtplib"},  # what it said
    "post/lines.py": {"socket"},  # to hang up on both when they take too long
    "post/webhook.py": {"http"},  # to the one address of the settings
    "web/deadlines.py": {"socket"},  # to hang up on whoever takes too long
    "price_refresh.py": {"urllib3"},  # to the address that is typed at the server's own shell
}
TRIED = {f"/ui/settings/{what}/test" for what in ("upstreams", "sign-in", "mail", "alerts")}
TRIED |= {"/ui/keys/<uuid:key_id>/test"}
"""Where people try out, with what is theirs, that an upstream, a provider or a key works."""
DOCUMENTED = {"/.well-known/litellm-ui-config", "/litellm/.well-known/litellm-ui-config"}
"""Named as it is documented; it says no more than the address and whether there is a provider."""
NEVER_CALLED = {
    "eval", "exec", "render_template_string", "from_string", "Markup", "urlopen", "system", "popen", "__import__",
    "exec_driver_sql", "send_file", "send_from_directory",
}  # fmt: skip
FILES = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "unlink"}
ENVIRONMENT = {"environ", "putenv", "setenv", "getenv"}


def calls_of(tree):
    """Yield every call with the name that is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node


def imports_of(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]


def is_built(node):
    """Tell whether a text is put together from parts that are not all written here."""
    return isinstance(node, ast.JoinedStr | ast.BinOp) or (
        isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "format"
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_evaluates_unpickles_shells_out_or_calls_out(path):
    """S-33, S-34: nothing fetches an address, nothing runs what it was sent."""
    meant = MEANT.get(str(path.relative_to(ROOT)), set())
    assert not (NEVER_IMPORTED - meant) & set(imports_of(SOURCES[path]))
    assert path.name == "demo.py" or "random" not in set(imports_of(SOURCES[path])), "secrets come from `secrets`"
    allowed = {"database.py": {"exec_driver_sql"}, "rates_redis.py": {"eval"}}.get(path.name, set())  # Redis' own word
    assert not [name for name, _node in calls_of(SOURCES[path]) if name in NEVER_CALLED - allowed]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_statement_is_built_from_text(path):
    """S-31: `text()` and `exec_driver_sql()` take literals, and PRAGMAs of our own constants."""
    for name, node in calls_of(SOURCES[path]):
        if name in ("text", "exec_driver_sql", "literal_column", "execute") and node.args:
            words = ast.unparse(node.args[0])
            assert not is_built(node.args[0]) or words.startswith(("f'PRAGMA ", 'f"PRAGMA ')), words


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_request_reaches_a_file_or_the_environment(path):
    """S-42: only the entrances do, before the first request."""
    if str(path.relative_to(ROOT)) in ENTRANCES:
        return
    assert not [name for name, _node in calls_of(SOURCES[path]) if name in FILES]
    named = [node for node in ast.walk(SOURCES[path]) if isinstance(node, ast.Attribute)]
    words = {node.attr for node in named if ast.unparse(node) != "request.environ"}  # the server's word for a request
    assert not ENVIRONMENT & words


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_switches_escaping_off(path):
    """S-27, S-33: autoescape stays on; no attribute lacks its quotes; htmx gets no expression to evaluate."""
    words = path.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape|Markup|\bhx-vals|\bhx-on|js:|javascript:", words)
    assert not re.search(r"""\s[a-z:-]+=\{\{""", words), "an attribute without quotes"


def test_templates_are_escaped_and_strict(app):
    """S-33: by name, everywhere; what is missing is an error rather than nothing."""
    assert app.jinja_env.autoescape("users/index.html") is True
    assert app.jinja_env.undefined.__name__ == "StrictUndefined"
    plain = {path for path in (ROOT / "templates").rglob("*") if path.is_file() and path.suffix != ".html"}
    assert {(path.parent.name, path.suffix) for path in plain} == {("emails", ".txt")}, "the text of mails needs none"


def test_htmx_evaluates_nothing_and_asks_nobody_else(browser, mia):
    """S-27: allowEval off, script tags off, own origin only, no history in the browser's storage."""
    page = browser(mia).get("/ui/keys").text
    for setting in (
        '"allowEval": false',
        '"allowScriptTags": false',
        '"selfRequestsOnly": true',
        '"historyCacheSize": 0',
    ):
        assert setting in page


def test_the_script_stores_nothing_and_evaluates_nothing():
    """S-9, S-14: no secret in the browser's storage, because nothing is."""
    words = (ROOT / "static" / "app.js").read_text(encoding="utf-8")
    assert not re.search(
        r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write|sessionStorage|indexedDB|document\.cookie",
        words,
    )
    assert not re.search(r"localStorage\.setItem", words)


def test_no_route_is_for_debugging(app):
    """S-26: no console, no debug page, no test route; what exists is in the URL map and nowhere else."""
    rules = " ".join(rule.rule for rule in the_app().url_map.iter_rules() if rule.rule not in TRIED | DOCUMENTED)
    assert not re.search(r"debug|console|test|shell|admin|internal|metrics|config|env|dump", rules)
    assert (app.debug, app.testing) == (False, False)


def test_no_variable_of_the_environment_opens_the_debugger(serve):
    """S-26: FLASK_DEBUG and friends on a real server: no console, no trace, no reload."""
    with serve(FLASK_DEBUG="1", FLASK_ENV="development", WERKZEUG_DEBUG_PIN="off", PYTHONDEVMODE="0") as server:
        door = OverHttp(server.url)
        for path in ("/console", "/nothing?__debugger__=yes&cmd=resource&f=style.css", "/nothing?__debugger__=yes&s=x"):
            answer = door.send("GET", path, {}, None)
            assert (answer.status, answer.headers["content-type"]) == (404, "application/json")
        assert Curl(door, MASTER_KEY).post("/user/new", {"user_email": ["x"]}).status == 422


@pytest.mark.parametrize("path", ["/user/update", "/key/update", "/key/generate", "/user/new"])
@pytest.mark.parametrize("field", ["litellm_settings", "environment_variables", "config", "UI_USERNAME", "master_key"])
def test_no_call_changes_a_setting(app, master, mia, path, field):
    """S-42: CVE-2026-35029: any user could edit the configuration."""
    before, settings = dict(os.environ), the_settings().model_dump()
    value = {"LITELLM_MASTER_KEY": "sk-changed", "x": "y"}
    master.post(path, {"user_id": "mia", "key": "sk-nobody", field: value}, reveals=True)
    assert dict(os.environ) == before
    assert app.config["SETTINGS"].model_dump() == settings
