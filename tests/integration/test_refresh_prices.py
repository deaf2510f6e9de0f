"""`flask refresh-prices`: the public list fetched anew, whole or not at all, and what is said of it."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from selfserve import create_app, price_refresh, prices
from selfserve.config import SettingsError
from tests.application import the_folder, the_settings


@pytest.fixture
def refresh(app, tmp_path):
    """Run the command; it writes into a folder of this test."""
    target = tmp_path / "prices.json"

    def run(source, *more):
        return app.test_cli_runner().invoke(args=["refresh-prices", str(source), "--to", str(target), *more])

    run.target = target
    yield run
    prices.use_folder(the_folder())


def public_list(**changes):
    """LiteLLM's list as it would be if nothing had changed, but for these rows; None takes one out."""
    columns = {"prompt": "input_cost_per_token", "completion": "output_cost_per_token"}
    columns |= {"cached": "cache_read_input_token_cost", "cache_write": "cache_creation_input_token_cost"}
    columns |= {"cache_write_1h": "cache_creation_input_token_cost_above_1hr"}
    public = {}
    for model, row in prices.listed().items():
        public[model] = {"mode": row["mode"], "litellm_provider": row["provider"]} | {
            columns[name]: row[name] for name in columns if name in row
        }
    public |= changes
    return {model: row for model, row in public.items() if row is not None}


def told(**more):
    """A row as LiteLLM writes it."""
    price = {"input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}
    return {"mode": "chat", "litellm_provider": "x"} | price | more


def written(tmp_path, public):
    """Lay a list down as a file."""
    file = tmp_path / "public.json"
    file.write_text(json.dumps(public) if isinstance(public, dict) else public)
    return file


@contextmanager
def served(status, content=b"", headers=()):
    """Serve a list, or what stands in its place."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            self.send_response(status)
            for name, value in (("Content-Length", str(len(content))), *headers):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}/list.json"
    finally:
        server.shutdown()
        server.server_close()


def test_a_file_is_read_and_what_changed_is_counted(refresh, tmp_path):
    first = refresh(written(tmp_path, public_list()))
    assert first.exit_code == 0, first.output
    prices.use_folder(tmp_path)
    changed = public_list(**{"gpt-4o-mini": told(), "brand-new": told(), "another-new": told(), "gpt-4o": None})
    second = refresh(written(tmp_path, changed))
    total = len(prices.listed()) + 1
    assert f"{total:,} models: 2 new, 1 changed, 1 gone." in second.output
    assert "from the next start" in second.output
    assert prices.find_price("brand-new") is None, "the list in use stays until then"
    prices.use_folder(tmp_path)
    assert prices.find_price("brand-new").usual.prompt == prices.find_price("gpt-4o-mini").usual.prompt
    assert prices.find_price("gpt-4o") is None


def test_an_address_is_fetched_and_where_it_sends_to_is_not(refresh):
    with served(200, json.dumps(public_list(new=told())).encode()) as (server, address):
        assert "1 new" in refresh(address).output
        assert server.asked == ["/list.json"]
    content = refresh.target.read_text()
    with served(302, headers=[("Location", "/elsewhere.json")]) as (server, address):
        result = refresh(address)
        assert (result.exit_code, "127.0.0.1 answered 302. Nothing was changed." in result.output) == (1, True)
        assert server.asked == ["/list.json"]
    assert refresh.target.read_text() == content


def test_rows_whose_price_is_none_are_left_out_and_named(refresh, tmp_path):
    odd = {
        "below": told(input_cost_per_token=-1),
        "no-number": told(input_cost_per_token="free"),
        "endless": told(output_cost_per_token="Infinity"),
        "too-much": told(input_cost_per_token=3),
        "list": ["chat"],
        "n" * 256: told(),
    }
    result = refresh(written(tmp_path, public_list(**odd)))
    assert (result.exit_code, "Left out, because their prices cannot be used: 6 (" in result.output) == (0, True)
    assert not odd.keys() & json.loads(refresh.target.read_text()).keys()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "The list is not JSON."),
        ("{" * 200_000, "The list is not JSON."),
        ("[1, 2]", "The list is not an object of models."),
        ("{}", "The list has 0 models with a price"),
        ({"gpt-4o-mini": told()}, "The list has 1 models with a price"),
        (" " * 20_000_001, "The list is larger than 20 MB."),
    ],
    ids=["empty", "deep", "list", "no model", "most lost", "too large"],
)
def test_a_list_that_cannot_be_the_list_is_refused_and_nothing_is_written(refresh, tmp_path, content, why):
    result = refresh(written(tmp_path, content))
    assert (result.exit_code, why in result.output, "Nothing was changed." in result.output) == (1, True, True)
    assert "Traceback" not in result.output
    assert [file.name for file in tmp_path.iterdir()] == ["public.json"]


def test_what_cannot_be_read_or_written_is_said(refresh, tmp_path, monkeypatch):
    assert "cannot be read: No such file" in refresh(tmp_path / "nothing.json").output
    with served(500) as (_server, address):
        pass
    assert "127.0.0.1 does not answer." in refresh(address).output
    monkeypatch.setattr(price_refresh.os, "fsync", lambda _file: (_ for _ in ()).throw(OSError(28, "No space left")))
    result = refresh(written(tmp_path, public_list()))
    assert (result.exit_code, "cannot be written: No space left" in result.output) == (1, True)
    assert [file.name for file in tmp_path.iterdir()] == ["public.json"], "no half of a list stays"


def test_a_refreshed_list_wins_from_the_next_start_on_and_a_damaged_one_stops_it(refresh, tmp_path):
    refresh(written(tmp_path, public_list(house=told())))
    create_app(the_settings(selfserve_data_dir=tmp_path))
    assert prices.find_price("house")
    refresh.target.write_text("{")
    with pytest.raises(SettingsError, match=r"prices\.json cannot be read as a list of prices\. Delete it"):
        create_app(the_settings(selfserve_data_dir=tmp_path))


def test_without_a_word_it_goes_to_the_data_folder(app, monkeypatch):
    asked, done = [], price_refresh.Refreshed(1, 0, 0, 0, [])
    monkeypatch.setattr("selfserve.cli.refresh_prices", lambda *words: asked.append(words) or done)
    assert app.test_cli_runner().invoke(args=["refresh-prices"]).exit_code == 0
    assert asked == [(price_refresh.PUBLIC_LIST, the_folder() / "prices.json")]


def test_the_notice_lies_beside_the_list():
    notice = (prices.FILE.parent / "NOTICE.txt").read_text(encoding="utf-8")
    assert "MIT License" in notice
    assert "Berri AI" in notice
