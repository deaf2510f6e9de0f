"""LiteLLM's command line signs in: a program begins, a person confirms it in their browser, the program gets a key."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.minting import fingerprint
from selfserve.models import ApiKey, AuditEvent, CliLogin, Throttle
from tests.application import BASE_URL
from tests.clients import Curl, InProcess
from tests.factories import PASSWORD, change, rows, save
from tests.integration.security.replays import cookies_of, replay
from tests.integration.sso.journeys import path_of, visit

TERMINAL = "python-requests/2.32.3"


class Program:
    """What asks: LiteLLM's client as the documentation of its calls says it."""

    def __init__(self, app):
        """Begin."""
        self.curl = Curl(InProcess(app))
        answer = self.curl.send("POST", "/sso/cli/start", headers={"User-Agent": TERMINAL})
        assert answer.status == 200
        self.begun = answer.json

    @property
    def link(self):
        """What it opens in the browser when it is told no address."""
        return f"/sso/key/generate?source=litellm-cli&key={self.begun['login_id']}"

    def poll(self, secret=None, login_id=None):
        """Ask whether it was confirmed."""
        headers = {"x-litellm-cli-poll-secret": secret or self.begun["poll_secret"]}
        path = f"/sso/cli/poll/{login_id or self.begun['login_id']}"
        return self.curl.send("GET", path, headers=headers, reveals=True)


@pytest.fixture
def program(app):
    return Program(app)


def confirm(page, program, code=None):
    """Open the link and type the code."""
    page.follow(page.get(program.link))
    return page.submit("/ui/cli/confirm", user_code=code or program.begun["user_code"])


def events(action):
    return [event for event in rows(AuditEvent) if event.action == action]


def at_once(count, deed):
    """Do the same as often at the same moment."""
    gate = Barrier(16)

    def run(number):
        if number < gate.parties:
            gate.wait(30)
        return deed()

    with ThreadPoolExecutor(gate.parties) as threads:
        return list(threads.map(run, range(count)))


# -- the way of a program to its key ---------------------------------------------------------------------------


def test_mia_signs_in_by_password_types_the_code_and_her_program_has_a_key_for_a_day(program, browser, curl, mia):
    begun = program.begun
    assert (begun["login_id"][:4], begun["expires_in"]) == ("cli-", 600)
    assert re.fullmatch("[A-Z]{4}-[A-Z]{4}", begun["user_code"])
    page = browser()
    page.follow(page.get(program.link))
    form = page.form("/ui/login")
    told = page.follow(page.post(form.action, form.fields | {"username": mia.email, "password": PASSWORD})).html.words()
    assert "python-requests" in told
    assert "127.0.0.1" in told
    assert mia.email in told
    assert program.poll().json == {"status": "pending"}
    done = page.submit("/ui/cli/confirm", user_code=begun["user_code"].lower().replace("-", " "))
    assert "Go back to your terminal" in page.follow(done).html.words()
    ready = program.poll()
    assert "no-store" in ready.headers["cache-control"]
    (key,) = rows(ApiKey)
    secret = ready.json["key"]
    assert ready.json == {
        "status": "ready", "key": secret, "user_id": "mia", "team_id": None, "teams": [], "team_details": [],
    }  # fmt: skip
    assert key.token == fingerprint(secret)
    assert key.alias.startswith("command line, python-requests, ")
    assert timedelta(hours=23, minutes=59) < key.expires_at - now() <= timedelta(hours=24)
    assert curl(secret).get("/user/info").json["user_id"] == "mia"
    assert program.poll().status == 404
    assert [event.actor_user_id for event in (*events("cli.confirmed"), *events("key.created"))] == ["mia", "mia"]


def test_mia_comes_through_her_provider_and_types_the_code_whatever_the_address_says(portal):
    door = portal(cli_jwt_expiration_hours=2, selfserve_sso_only=True, selfserve_sso_create_users=True)
    program, page = Program(door.app), door.browser()
    link = f"{program.link}&user_code={program.begun['user_code']}"
    assert program.begun["verification_uri_complete"] == BASE_URL + link
    page.follow(page.get(link))
    (there,) = [one.get("href") for one in page.page.all("a") if "Continue with" in "".join(one.itertext())]
    page.follow(page.get(path_of(visit(page.get(there).location))))
    assert page.form("/ui/cli/confirm").fields["user_code"] == ""
    assert program.poll().json == {"status": "pending"}
    page.submit("/ui/cli/confirm", user_code=program.begun["user_code"])
    (key,) = rows(ApiKey) if program.poll().json["status"] == "ready" else ()
    assert timedelta(minutes=119) < key.expires_at - now() <= timedelta(hours=2)


def test_the_address_to_open_is_left_to_the_program_where_none_is_set(portal):
    assert Program(portal(proxy_base_url="").app).begun["verification_uri_complete"] is None


def test_who_comes_without_a_sign_in_is_told_where_it_begins(browser, mia):
    page = browser(mia)
    assert "Begin in your terminal" in page.follow(page.get("/sso/key/generate?source=litellm-cli")).html.words()


# -- what must never happen ------------------------------------------------------------------------------------


def test_of_fifty_polls_at_once_one_gets_a_key(program, browser, mia):
    """S-19."""
    confirm(browser(mia), program)
    statuses = at_once(50, lambda: program.poll().status)
    assert sorted(set(statuses)) == [200, 404]
    assert statuses.count(200) == len(rows(ApiKey)) == 1


def test_looking_confirms_nothing_whatever_the_address_says(program, browser, mia):
    """S-28."""
    page = browser(mia)
    page.follow(page.get(f"{program.link}&user_code={program.begun['user_code']}"))
    page.get("/ui/cli/done")
    assert program.poll().json == {"status": "pending"}
    assert rows(CliLogin)[0].user_pk is None


def test_five_wrong_codes_end_it_and_are_written_down(program, browser, mia):
    """S-18, S-45."""
    page = browser(mia)
    assert [confirm(page, program, "BBBB-BBBB").status for _ in range(4)] == [422] * 4
    fields = page.form("/ui/cli/confirm").fields
    assert page.submit("/ui/cli/confirm", user_code="BBBB-BBBB").status == 410
    assert page.post("/ui/cli/confirm", fields | {"user_code": program.begun["user_code"]}).status == 410
    assert (program.poll().status, rows(ApiKey)) == (404, [])
    assert [event.after["reason"] for event in events("login.refused")] == ["wrong_code"] * 5
    assert program.begun["user_code"] not in str([event.after for event in rows(AuditEvent)])


def test_wrong_codes_at_once_are_five_tries_too(app, program, browser, mia):
    """S-18: thirty tabs of one session."""
    page = browser(mia)
    page.follow(page.get(program.link))
    fields = page.form("/ui/cli/confirm").fields | {"user_code": "BBBB-BBBB"}
    cookies = cookies_of(page)
    statuses = at_once(30, lambda: replay(app, cookies).post("/ui/cli/confirm", fields).status)
    assert sorted(statuses) == [410] * 26 + [422] * 4
    assert rows(CliLogin)[0].wrong_codes == 5


def test_nobody_confirms_what_somebody_confirmed(program, browser, mia, otto):
    other = browser(otto)
    other.follow(other.get(program.link))
    confirm(browser(mia), program)
    assert other.submit("/ui/cli/confirm", user_code=program.begun["user_code"]).status == 410
    assert other.follow(other.get(program.link)).status == 410
    assert program.poll().json["user_id"] == "mia"


def test_ivo_who_only_looks_is_told_that_he_gets_no_key(program, browser, ivo):
    """S-7: a key is never more than its owner."""
    page = browser(ivo)
    told = page.follow(page.get(program.link)).html.words()
    assert "Your role may not create keys" in told
    page.get("/ui/account")
    assert page.post("/ui/cli/confirm", {"login": program.begun["login_id"], "user_code": "x"}).status == 403
    assert program.poll().json == {"status": "pending"}


@pytest.mark.parametrize("end", ["blocked", "only looks", "deleted", "signed out everywhere"])
def test_what_ends_between_the_code_and_the_key_ends_the_key(program, browser, master, mia, end):
    """S-10, S-43: also when the row itself was changed behind the portal's back."""
    confirm(browser(mia), program)
    if end == "blocked":
        change(mia, is_blocked=True)
    elif end == "only looks":
        change(mia, role="internal_user_viewer")
    elif end == "deleted":
        change(mia, deleted_at=now())
    else:
        master.post("/user/update", {"user_id": "mia", "password": "another calm river before noon"})
        master.post("/user/update", {"user_id": "mia", "blocked": True})
        master.post("/user/update", {"user_id": "mia", "blocked": False})
    assert program.poll().status == (403 if end == "only looks" else 404)
    assert rows(ApiKey) == []


def test_another_secret_gets_nothing_and_guessers_are_stopped(app, program, browser, mia):
    """S-18: names and secrets of sign-ins are guessed as slowly as keys."""
    confirm(browser(mia), program)
    assert program.poll(secret="another").status == 403
    assert program.poll(secret="another", login_id="cli-nobody").status == 404
    assert program.poll(login_id="cli-" + "x" * 43).status == 404
    bucket = next(row for row in rows(Throttle) if row.bucket == fingerprint("guess 127.0.0.1"))
    assert bucket.failures == 2
    change(bucket, failures=300)
    assert program.poll(secret="another").status == 429
    assert program.poll().json["status"] == "ready"


def test_an_address_begins_thirty_in_a_minute(app):
    """S-18: each leaves a row."""
    save(Throttle(bucket=fingerprint("cli 127.0.0.1"), failures=29, window_ends_at=now() + timedelta(minutes=1)))
    curl = Curl(InProcess(app))
    assert [curl.send("POST", "/sso/cli/start").status for _ in range(2)] == [200, 429]
    assert len(rows(CliLogin)) == 1


def test_it_lasts_ten_minutes_and_holds_no_secret(program, browser, mia):
    """S-19."""
    (row,) = rows(CliLogin)
    stored = str(vars(row))
    assert program.begun["poll_secret"] not in stored
    assert program.begun["user_code"] not in stored
    page = browser(mia)
    page.follow(page.get(program.link))
    with travel(now() + timedelta(minutes=11)):
        assert page.submit("/ui/cli/confirm", user_code=program.begun["user_code"]).status == 410
        assert program.poll().status == 404


def test_an_admins_key_from_a_command_line_calls_models_and_manages_nothing(program, browser, curl, ada):
    """S-7b: whoever makes Ada confirm a stranger's sign-in is no admin by that."""
    confirm(browser(ada), program)
    key = curl(program.poll().json["key"])
    assert key.post("/user/new", {"user_email": "eve@example.com", "user_role": "proxy_admin"}).status == 403
    assert key.get("/v1/models").status == 200
