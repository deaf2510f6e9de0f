"""`python -m selfserve.setup`, run as `make run` runs it: secrets, migrations, the first admin's link, once."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clients import Browser, Curl, OverHttp
from tests.servers import running

LINK = re.compile(r"http://127\.0\.0\.1:4000/ui/onboarding\?id=([0-9a-f-]{36})")
PASSWORD = "seven quiet foxes at noon"


def test_the_first_start_makes_secrets_migrates_and_prints_one_link(setup, tmp_path):
    done = setup()
    assert done.returncode == 0, done.stderr
    assert len(LINK.findall(done.stdout)) == 1
    assert "Authorization: Bearer $(cat instance/master_key)" in done.stdout
    for name in ("master_key", "secret_key"):
        file = tmp_path / "instance" / name
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert len(file.read_text().strip()) >= 40
        assert file.read_text().strip() not in done.stdout + done.stderr
    assert (tmp_path / "instance" / "master_key").read_text().startswith("sk-")


def test_a_later_start_keeps_the_secrets_and_prints_no_link(setup, tmp_path):
    setup()
    before = {file.name: file.read_bytes() for file in (tmp_path / "instance").iterdir() if "key" in file.name}
    again = setup()
    assert again.returncode == 0
    assert "http://127.0.0.1:4000" in again.stdout
    assert not LINK.search(again.stdout)
    assert before == {file.name: file.read_bytes() for file in (tmp_path / "instance").iterdir() if "key" in file.name}


def test_of_four_starts_at_once_one_prints_the_link(setup):
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _number: setup(), range(4)))
    assert [one.returncode for one in done] == [0] * 4, [one.stderr[-500:] for one in done]
    assert sum(len(LINK.findall(one.stdout)) for one in done) == 1


@pytest.mark.parametrize("email", ["", "root@example.com"], ids=["asked on the page", "from the settings"])
def test_the_first_link_makes_the_first_admin_who_makes_everybody_else(setup, database, tmp_path, email):
    link = LINK.search(setup(SELFSERVE_ADMIN_EMAIL=email).stdout)[1]
    with running(database_url=database, folder=tmp_path) as server:
        page = Browser(OverHttp(server.url))
        page.follow(page.get(f"/ui/onboarding?id={link}"))
        given = {} if email else {"email": "boss@example.com"}
        page.follow(page.submit("/ui/onboarding", password=PASSWORD, **given))
        page.get("/ui/users/new")
        assert page.submit("/ui/users", emails="dana@example.com", role="internal_user").status == 201
        assert (email or "boss@example.com") in page.get("/ui/users").html.words()


def test_secrets_from_the_environment_are_used_and_not_written(setup, tmp_path):
    given = {
        "LITELLM_MASTER_KEY": "sk-given-by-the-house-0123456789",
        "SELFSERVE_SECRET_KEY": "given by the house, long enough 123",
    }
    done = setup(**given)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "instance" / "master_key").exists()
    assert not (tmp_path / "instance" / "secret_key").exists()
    assert all(secret not in done.stdout + done.stderr for secret in given.values())


@pytest.mark.parametrize("module", ["selfserve.setup", "selfserve.serve"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LITELLM_MASTER_KEY", "sk-1234"),
        ("SELFSERVE_SECRET_KEY", "secret"),
        ("SELFSERVE_MISSPELT", "1"),
        ("PORT", "http"),
    ],
)
def test_nonsense_stops_it_with_a_sentence_and_no_traceback(setup, module, name, value):
    done = setup(module=module, **{name: value})
    assert done.returncode == 2
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert value not in done.stderr or "KEY" not in name


def test_the_server_does_not_start_without_secrets_and_names_what_makes_them(setup):
    done = setup(module="selfserve.serve")
    assert done.returncode == 2
    assert "python -m selfserve.setup" in done.stderr


def test_a_folder_it_may_not_write_to_is_said(setup, tmp_path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    done = setup(SELFSERVE_DATA_DIR="taken")
    assert done.returncode == 2
    assert "SELFSERVE_DATA_DIR" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_away_is_said(setup):
    done = setup(DATABASE_URL="postgresql://nobody:nothing@127.0.0.1:1/nothing")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "nothing@" not in done.stderr


def test_the_demo_is_a_company_one_can_sign_in_to(setup, database, tmp_path):
    done = setup("--demo")
    assert done.returncode == 0, done.stderr
    password = re.search(r"password\s{2,}(.+)", done.stdout)[1].strip()
    emails = re.findall(r"\S+@\S+", done.stdout)
    assert len(emails) >= 4
    with running(database_url=database, folder=tmp_path) as server:
        for email in emails:
            page = Browser(OverHttp(server.url))
            page.get("/ui/login")
            assert page.submit("/ui/login", username=email, password=password).status == 303
            for path in ("/ui/keys", "/ui/spend", "/ui/account"):
                assert page.get(path).status == 200


# -- the way back in -------------------------------------------------------------------------------------------


def flask(setup, *arguments, **environment):
    return setup("--app", "wsgi", *arguments, module="flask", **environment)


@pytest.mark.parametrize("arguments", [("create-admin", "new@example.com"), ("create-admin",)])
def test_a_locked_out_house_gets_another_admin(setup, arguments):
    setup()
    done = flask(setup, *arguments)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"/ui/onboarding\?id=[0-9a-f-]{36}", done.stdout)) == 1


def test_a_lost_password_gets_a_link(setup, database, tmp_path):
    setup(SELFSERVE_ADMIN_EMAIL="root@example.com")
    done = flask(setup, "reset-password", "ROOT@example.com")
    assert done.returncode == 0, done.stderr
    link = re.search(r"/ui/reset\?id=[\w-]{43}", done.stdout)[0]
    with running(database_url=database, folder=tmp_path) as server:
        assert Browser(OverHttp(server.url)).get(link).status == 303
        assert Curl(OverHttp(server.url)).get("/health/readiness").status == 200


@pytest.mark.parametrize(
    "arguments",
    [("reset-password", "nobody@example.com"), ("create-admin", "nonsense"), ("create-admin", "root@example.com")],
)
def test_what_cannot_be_done_is_said_in_a_sentence(setup, arguments):
    setup(SELFSERVE_ADMIN_EMAIL="root@example.com")
    done = flask(setup, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
