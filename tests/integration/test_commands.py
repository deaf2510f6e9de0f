"""What the server's own shell can do: `flask --app wsgi ...`."""

import re
from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import User
from selfserve.permissions import POLICY, Permission, Role
from selfserve.runner import Runner
from tests.factories import PASSWORD, make_key, make_user, rows

LINK = re.compile(r"http://localhost(/ui/(?:onboarding|reset))(\?id=\S+)")
NEW_PASSWORD = "seven quiet foxes at noon"


@pytest.fixture
def flask(app):
    """Run a command as the shell would."""
    return lambda *words: app.test_cli_runner().invoke(args=list(words))


def come_by(page, result, **fields):
    """Open the link that was printed and set a password."""
    assert result.exit_code == 0, result.output
    form, opened_by = LINK.search(result.output).groups()
    page.follow(page.get(form + opened_by))
    return page.follow(page.submit(form, password=NEW_PASSWORD, **fields))


def test_create_admin_prints_a_link_that_makes_an_admin(flask, browser):
    page = browser()
    assert come_by(page, flask("create-admin", "boss@example.com")).status == 200
    assert page.get("/ui/users").status == 200


def test_create_admin_without_an_address_lets_the_link_ask(flask, browser):
    page = browser()
    come_by(page, flask("create-admin"), email="boss@example.com")
    assert page.get("/ui/users").status == 200


def test_reset_password_prints_a_link_for_the_same_person(flask, browser, mia):
    come_by(browser(), flask("reset-password", "Mia@Example.com"))
    assert browser().sign_in(mia, NEW_PASSWORD).get("/ui/keys").status == 200
    page = browser()
    page.get("/ui/login")
    assert page.submit("/ui/login", username=mia.email, password=PASSWORD).status == 422


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["create-admin", "mia@example.com"], "already exists"),
        (["create-admin", "nonsense"], "not an e-mail address"),
        (["reset-password", "nobody@example.com"], "no user with the address"),
        (["reset-password", "rex@example.com"], "blocked"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(flask, mia, rex, words, sentence):
    result = flask(*words)
    assert (result.exit_code, sentence in result.output) == (1, True), result.output
    assert "Traceback" not in result.output
    assert len(rows(User)) == 3


def test_reset_password_wants_an_address(flask):
    assert flask("reset-password").exit_code == 2


def test_rights_prints_a_row_for_each_permission_and_a_column_for_each_role(flask):
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in flask("rights").output.splitlines()]
    assert table[0] == ["may", *(f"`{role}`" for role in Role)]
    assert [row[0] for row in table[2:]] == [permission.sentence for permission in Permission]
    for permission, row in zip(Permission, table[2:], strict=True):
        assert [bool(cell) for cell in row[1:]] == [permission in POLICY[role] for role in Role], permission


def test_rights_of_routes_lists_every_address_with_what_it_asks_for(app, flask):
    output = flask("rights", "--routes").output
    for rule in app.url_map.iter_rules():
        assert any(rule.rule in line.split() for line in output.splitlines()), rule
    assert re.search(r"POST\s+/key/generate\s+key:create\n", output)
    assert re.search(r"POST\s+/ui/users\s+user:create\n", output)
    assert "None" not in output


def test_no_command_makes_a_key_or_shows_one(flask, mia):
    """Only links are printed: whoever reads the shell's history cannot call a model."""
    make_user("Otto")
    for words in (["create-admin", "boss@example.com"], ["reset-password", "mia@example.com"], ["rights"]):
        assert "sk-" not in flask(*words).output


def test_tick_does_the_periodic_work_once_unless_another_process_is_at_it(app, flask, mail, mia):
    make_key(mia, "laptop", expires_at=now() + timedelta(hours=20), created_at=now() - timedelta(days=30))
    assert flask("tick").output.startswith("1 sent, 0 not sent, 1 reminders written")
    assert flask("tick").output.startswith("0 sent, 0 not sent, 0 reminders written")
    Runner(app).do_round()
    result = flask("tick")
    assert (result.exit_code, "Another process does it" in result.output) == (0, True)
