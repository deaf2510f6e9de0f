"""The rules of the run, the fresh database of each test, the cast, and the two doors."""

import os

import pytest
from hypothesis import settings as hypothesis_settings

from selfserve.gateway import listing
from selfserve.runner import tick
from tests.application import MASTER_KEY, the_app, the_database, the_settings, the_upstream, using
from tests.clients import Browser, Curl, InProcess
from tests.databases import start_postgresql
from tests.factories import key_of, make_user
from tests.mail_server import MailServer, certificates, listening
from tests.queries import count_queries

hypothesis_settings.register_profile("selfserve", deadline=None, database=None, derandomize=True, print_blob=True)
hypothesis_settings.load_profile("selfserve")


# -- the rules of the run -------------------------------------------------------------------------------------


def pytest_configure(config):
    """Once per run, before the workers start: the database server, if this run wants one."""
    is_worker = hasattr(config, "workerinput")
    wants_server = os.environ.get("TEST_DATABASE") == "postgresql" and not os.environ.get("TEST_DATABASE_URL")
    if wants_server and not is_worker:
        server = start_postgresql()
        config.add_cleanup(server.cleanup)


def pytest_collection_modifyitems(config, items):
    """What does not depend on the database runs once, on SQLite."""
    if os.environ.get("TEST_DATABASE") == "postgresql":
        once = [item for item in items if item.get_closest_marker("any_database")]
        config.hook.pytest_deselected(items=once)
        items[:] = [item for item in items if item not in set(once)]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """A test that was skipped, or is expected to fail, proves nothing: the run fails."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and unproven(reporter) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    """Say so."""
    if count := unproven(terminalreporter):
        terminalreporter.write_line(f"{count} tests were skipped or expected to fail; none may be.", red=True)


def unproven(reporter):
    """Count the tests that did not run to a verdict."""
    return sum(len(reporter.stats.get(outcome, ())) for outcome in ("skipped", "xfailed", "xpassed"))


# -- the house ------------------------------------------------------------------------------------------------


@pytest.fixture
def app():
    """The application on a database that holds nothing but what the migrations put there."""
    app = the_app()
    the_database().reset()
    return app


@pytest.fixture
def queries(app):
    """Count the statements sent to the database inside `with queries() as sent:`."""
    return lambda: count_queries(app)


@pytest.fixture
def upstream(app):
    """The server that calls are passed on to; it does everything right until it is told `upstream.be(status=500)`."""
    here = the_upstream()
    here.be()
    here.got.clear()
    here.asked.clear()
    listing._told.clear()
    yield here
    here.be()
    listing._told.clear()


@pytest.fixture
def mail(app, monkeypatch):
    """The mail server that mail goes to: in force for the one application of the tests."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates()[1]))
    with listening(MailServer()) as server, using(app, the_settings(**server.settings())):
        yield server


@pytest.fixture
def run(app):
    """Do the periodic work once."""

    def once():
        with app.app_context():
            return tick(app)

    return once


# -- the cast -------------------------------------------------------------------------------------------------


@pytest.fixture
def ada(app):
    """Ada runs the place: proxy_admin."""
    return make_user("Ada", role="proxy_admin")


@pytest.fixture
def vera(app):
    """Vera looks after Ada's books and changes nothing: proxy_admin_viewer."""
    return make_user("Vera", role="proxy_admin_viewer")


@pytest.fixture
def mia(app):
    """Mia is the one all this is for: internal_user."""
    return make_user("Mia")


@pytest.fixture
def otto(app):
    """Otto is another internal_user, and must see nothing of Mia's."""
    return make_user("Otto")


@pytest.fixture
def ivo(app):
    """Ivo only looks: internal_user_viewer."""
    return make_user("Ivo", role="internal_user_viewer")


@pytest.fixture
def ina(app):
    """Ina was invited and has not come yet."""
    return make_user("Ina", password=None)


@pytest.fixture
def rex(app):
    """Rex is blocked."""
    return make_user("Rex", is_blocked=True)


# -- the two doors --------------------------------------------------------------------------------------------


@pytest.fixture
def curl(app):
    """Open the JSON door: `curl(ada)` with a key of hers, `curl(None)` with none, `curl("sk-...")` with that."""
    return lambda who=None: Curl(InProcess(app), who if who is None or isinstance(who, str) else key_of(who))


@pytest.fixture
def master(curl):
    """The JSON door with the master key."""
    return curl(MASTER_KEY)


@pytest.fixture
def browser(app):
    """Open the pages: `browser(mia)` has signed in through the sign-in page, `browser(None)` has not."""
    return lambda who=None: Browser(InProcess(app)).sign_in(who) if who else Browser(InProcess(app))
