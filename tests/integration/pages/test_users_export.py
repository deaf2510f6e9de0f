"""The users as a file: the same filters, every column in plain figures, and nothing that a spreadsheet runs."""

from datetime import UTC, datetime, timedelta

import pytest

from selfserve.clock import now
from selfserve.services import user_export
from tests.factories import make_company, make_invitation, make_key, make_user
from tests.integration.pages.parts import found, link


@pytest.fixture
def boss(browser, ada):
    """Ada's browser."""
    return browser(ada)


def listed(answer):
    assert (answer.status, answer.is_sheet) == (200, True)
    return answer.sheet


def test_a_row_holds_all_that_is_known_in_plain_figures(boss):
    joined, reset = datetime(2026, 3, 1, 8, 30, tzinfo=UTC), now() + timedelta(days=3)
    pia = make_user("Pia", user_id="pia", role="internal_user", window_spend=1_234_567_891, max_budget=12_500_000_000,
                    soft_budget=10**10, budget_duration="1mo", budget_reset_at=reset, models=["gpt-5", "o4"],
                    rpm_limit=60, created_at=joined, last_login_at=joined)  # fmt: skip
    make_key(pia)
    make_key(pia, is_blocked=True)
    row = next(row for row in listed(boss.get("/ui/users.csv")) if row["user_id"] == "pia")
    assert row == {
        "user_id": "pia", "email": "pia@example.com", "name": "Pia", "role": "internal_user", "status": "active",
        "active_keys": "1", "spend": "1.234567891", "max_budget": "12.5",
        "soft_budget": "10", "budget_duration": "1mo", "budget_reset_at": f"{reset:%Y-%m-%dT%H:%M:%SZ}",
        "models": "gpt-5, o4", "rpm_limit": "60", "tpm_limit": "",
        "max_parallel_requests": "", "created_at": "2026-03-01T08:30:00Z", "last_sign_in_at": "2026-03-01T08:30:00Z",
        "invited_at": "", "invited_by": "", "invitation_expires_at": "",
    }  # fmt: skip


def test_an_invitation_is_in_it_without_what_opens_it(boss, ada, ina):
    made = make_invitation(ina, by=ada)
    answer = boss.get("/ui/users.csv?status=invited")
    (row,) = listed(answer)
    assert (row["user_id"], row["status"], row["invited_by"]) == ("ina", "invited", "Ada")
    assert row["invitation_expires_at"] == f"{made.row.expires_at:%Y-%m-%dT%H:%M:%SZ}"
    assert made.secret not in answer.text
    assert made.row.secret_hash not in answer.text


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("", {"ada", "vera", "mia", "ina", "rex"}),
        ("?status=blocked", {"rex"}),
        ("?status=invited", {"ina"}),
        ("?role=proxy_admin_viewer", {"vera"}),
        ("?q=mi", {"mia"}),
        ("?q=mi&status=blocked", set()),
        ("?q=&role=&status=", {"ada", "vera", "mia", "ina", "rex"}),
    ],
)
def test_it_holds_what_the_list_shows(boss, vera, mia, ina, rex, asked, names):
    assert {row["user_id"] for row in listed(boss.get(f"/ui/users.csv{asked}"))} == names


def test_the_page_links_to_the_file_of_what_it_shows(boss, mia):
    for htmx in (False, True):
        answer = boss.get("/ui/users?q=mi&role=internal_user&status=active&sort=name", htmx=htmx)
        assert found(answer, "export").get("href") == "/ui/users.csv?q=mi&role=internal_user&status=active"
    assert link(boss.get("/ui/users"), "Export") == "/ui/users.csv"


def test_vera_may_and_users_may_not(browser, vera, mia, ivo):
    assert len(listed(browser(vera).get("/ui/users.csv"))) == 3
    for user in (mia, ivo):
        assert browser(user).get("/ui/users.csv").status == 403
    assert browser().get("/ui/users.csv").status == 303


@pytest.mark.parametrize("asked", ["?status=nonsense", "?role=god", "?q=a&q=b", "?q=%00"])
def test_a_damaged_filter_is_refused_and_never_means_everybody(boss, asked):
    """S-7c."""
    assert boss.get(f"/ui/users.csv{asked}").status in (400, 422)


FORMULAS = ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_a_formula(boss, formula):
    """S-36: neither a name, an id, an address nor a model."""
    make_user(formula, user_id=formula, email=f"{formula}@example.com", models=[formula])
    row = next(row for row in listed(boss.get("/ui/users.csv")) if row["user_id"].endswith(formula))
    for column in ("user_id", "name", "email", "models"):
        assert row[column].startswith(f"'{formula}"), column


def test_it_is_read_in_batches_that_miss_nobody_and_repeat_nobody(boss, queries, monkeypatch):
    monkeypatch.setattr(user_export, "AT_ONCE", 7)
    made = {user.user_id for user in make_company(50)} | {"ada"}
    boss.get("/ui/users")
    with queries() as sent:
        names = [row["user_id"] for row in listed(boss.get("/ui/users.csv"))]
    assert (len(names), set(names)) == (51, made)
    assert len(sent) == 1 + 8


def test_more_than_a_file_holds_is_refused(boss, monkeypatch):
    monkeypatch.setattr(user_export, "MOST_EXPORTED", 5)
    make_company(6)
    answer = boss.get("/ui/users.csv")
    assert (answer.status, "more than 5 people" in answer.html.words()) == (422, True)
