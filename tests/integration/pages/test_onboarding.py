"""Coming by a link: looking uses nothing up, a password uses it once, and every spent link is answered alike."""

from datetime import timedelta

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.models import Invitation, Session
from selfserve.services import bootstrap
from tests.factories import PASSWORD, change, make_invitation, make_user, reload, rows
from tests.integration.pages.parts import errors, fragment, link, typed, words
from tests.integration.security.snapshots import unchanged

NEW_PASSWORD = "seven quiet foxes at noon"
GONE = "This link is no longer valid: it has expired, was used, or was replaced. Sign in, or ask for a new one."
both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])


def open_link(page, secret, name="id"):
    """Open a link as a browser does."""
    return page.follow(page.get(f"/ui/onboarding?{name}={secret}"))


@pytest.fixture
def arrived(browser, ada, ina):
    """Ina's browser, on the page behind her link."""
    page = browser()
    moved = page.get(f"/ui/onboarding?id={make_invitation(ina, by=ada).secret}")
    assert (moved.status, moved.location, moved.headers["referrer-policy"]) == (303, "/ui/onboarding", "no-referrer")
    assert page.follow(moved).headers["referrer-policy"] == "same-origin"
    return page


def test_the_page_says_who_invited_her_and_to_what(arrived):
    said = arrived.page.words()
    for part in ("Welcome, Ina", "Ada invited you", "ina@example.com", "Internal user", "in 7 days"):
        assert part in said
    assert "signed in as" not in said
    assert arrived.form("/ui/onboarding").fields["username"] == "ina@example.com"


def test_a_budget_is_said_where_there_is_one(browser):
    pia = make_user("Pia", password=None, max_budget=50 * 10**9, budget_duration="1mo")
    assert "$50.00 a month" in open_link(browser(), make_invitation(pia).secret).html.words()


@pytest.mark.parametrize("name", ["id", "invitation_id"])
def test_both_documented_names_of_the_link_open_it(browser, ina, name):
    assert open_link(browser(), make_invitation(ina).secret, name).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_uses_nothing_up(browser, ina, method):
    """Mail scanners open every link."""
    secret = make_invitation(ina).secret
    with unchanged():
        for _ in range(3):
            answer = browser().transport.send(method, f"/ui/onboarding?id={secret}", {}, None)
            assert answer.status == 303
    assert open_link(browser(), secret).status == 200


def test_the_cookie_is_for_this_page_for_a_quarter_of_an_hour_and_holds_no_secret(browser, ina):
    secret = make_invitation(ina).secret
    (cookie,) = [c for c in browser().get(f"/ui/onboarding?id={secret}").cookies if "onboarding" in c.partition("=")[0]]
    for part in ("Path=/ui/onboarding", "HttpOnly", "SameSite=Lax", "Max-Age=900"):
        assert part in cookie
    assert secret not in cookie


def test_ina_sets_her_password_and_is_asked_for_her_first_key(arrived, browser, ina):
    answer = arrived.submit("/ui/onboarding", password=NEW_PASSWORD)
    assert (answer.status, answer.location) == (303, "/ui/keys/new")
    assert arrived.follow(answer).status == 200
    assert arrived.get("/ui/onboarding").status == 410
    browser().sign_in(reload(ina), NEW_PASSWORD)


def test_who_may_not_make_keys_comes_to_the_list(browser):
    page = browser()
    open_link(page, make_invitation(make_user("Noa", role="internal_user_viewer", password=None)).secret)
    assert page.submit("/ui/onboarding", password=NEW_PASSWORD).location == "/ui/keys"


@pytest.mark.parametrize("password", ["", "short one", "passwordpassword", "ina@example.com", "x" * 129, "x" * 2_000])
def test_a_weak_password_is_told_on_its_field_and_the_link_lives(arrived, ina, password):
    answer = arrived.submit("/ui/onboarding", password=password)
    assert (answer.status, [*errors(answer)]) == (422, ["password"])
    assert not password or password not in answer.text.replace("ina@example.com", "", 99)
    assert typed(answer, "/ui/onboarding").get("password", "") == ""
    assert not reload(ina).has_password
    assert arrived.submit("/ui/onboarding", password=NEW_PASSWORD).status == 303


# -- who has no address, or is somebody already -------------------------------------------------------------------


def test_the_first_admin_without_an_address_brings_one(app, browser):
    with app.app_context():
        secret = bootstrap.invite_first_admin(None)
    page = browser()
    answer = open_link(page, secret)
    assert "Proxy admin" in answer.html.words()
    answer = page.submit("/ui/onboarding", email="boss@example.com", password=NEW_PASSWORD)
    assert (answer.status, answer.location) == (303, "/ui/keys/new")
    assert page.get("/ui/users").status == 200
    again = browser()
    again.get("/ui/login")
    assert again.submit("/ui/login", username="boss@example.com", password=NEW_PASSWORD).status == 303


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        ("", "Enter your e-mail address"),
        ("nonsense", "must be an e-mail address"),
        ("mia@example.com", "belongs to another account"),
        ("MIA@Example.com", "belongs to another account"),
    ],
)
def test_an_address_that_will_not_do_is_told_on_its_field_and_kept(browser, mia, email, sentence):
    nameless = make_user("Noe", email=None, password=None)
    page = browser()
    open_link(page, make_invitation(nameless).secret)
    answer = page.submit("/ui/onboarding", email=email, password=NEW_PASSWORD)
    assert (answer.status, [*errors(answer)]) == (422, ["email"])
    assert sentence in errors(answer)["email"]
    assert typed(answer, "/ui/onboarding")["email"] == email
    assert (reload(nameless).email, reload(nameless).has_password) == (None, False)


def test_who_has_an_address_keeps_it_whatever_is_sent(arrived, ina):
    arrived.submit("/ui/onboarding", email="thief@example.com", password=NEW_PASSWORD)
    assert reload(ina).email == "ina@example.com"


def test_for_mia_it_is_a_new_password_and_the_page_says_what_will_happen(browser, mia):
    page, elsewhere = browser(), browser(mia)
    answer = open_link(page, make_invitation(mia).secret)
    assert "signs you out everywhere" in answer.html.words()
    assert page.submit("/ui/onboarding", password=NEW_PASSWORD).status == 303
    assert elsewhere.get("/ui/keys").status == 303
    again = browser()
    again.get("/ui/login")
    assert again.submit("/ui/login", username="mia@example.com", password=PASSWORD).status == 422


def test_who_is_signed_in_as_somebody_else_is_told_before_and_is_ina_afterwards(browser, ada, ina):
    page = browser(ada)
    answer = open_link(page, make_invitation(ina).secret)
    assert "You are signed in as ada@example.com. This link is for ina@example.com" in answer.html.words()
    assert "You are signed in as ada@example.com" in page.submit("/ui/onboarding", password="short").html.words()
    page.follow(page.submit("/ui/onboarding", password=NEW_PASSWORD))
    assert "ina@example.com" in page.get("/ui/account").html.words()
    assert {session.user_pk for session in rows(Session)} == {ina.id}


def test_looking_at_the_link_signs_nobody_out_and_a_reset_link_for_oneself_says_nothing_of_others(browser, mia):
    page = browser(mia)
    assert "signed in as" not in open_link(page, make_invitation(mia).secret).html.words()
    assert page.get("/ui/keys").status == 200


# -- spent ------------------------------------------------------------------------------------------------------

SPENT = {
    "expired": lambda user: make_invitation(user, lasts=timedelta(seconds=-1)),
    "used": lambda user: make_invitation(user, accepted_at=now()),
    "revoked": lambda user: make_invitation(user, ended_at=now()),
    "deleted": lambda user: make_invitation(user, ended_at=now(), deleted_at=now()),
    "of somebody blocked": lambda user: (make_invitation(user), change(user, is_blocked=True))[0],
    "of somebody deleted": lambda user: (make_invitation(user), change(user, deleted_at=now()))[0],
}
UNKNOWN = ["nothing", "", "00000000-0000-4000-8000-000000000000", "x" * 5_000, "%00", "é", "' OR 1=1 --"]


def assert_gone(answer, *, htmx=False):
    """The same page, or the same toast, for every cause."""
    assert (answer.status, answer.html.is_fragment) == (410, htmx)
    assert GONE in answer.html.words()
    if htmx:
        assert (answer.headers["hx-retarget"], fragment(answer).id) == ("#flash", None)
    else:
        assert (words(answer.html.all("h1")[0]), link(answer, "Sign in")) == ("Link no longer valid", "/ui/login")


@pytest.mark.parametrize("cause", SPENT)
@both_ways
def test_every_spent_link_is_answered_alike(browser, ina, cause, htmx):
    assert_gone(browser().get(f"/ui/onboarding?id={SPENT[cause](ina).secret}", htmx=htmx), htmx=htmx)


@pytest.mark.parametrize("secret", UNKNOWN)
@both_ways
def test_what_never_was_a_link_is_answered_like_a_spent_one(browser, ina, secret, htmx):
    make_invitation(ina)
    assert_gone(browser().get(f"/ui/onboarding?id={secret}", htmx=htmx), htmx=htmx)


def test_the_row_s_own_id_opens_nothing(browser, ina):
    assert_gone(browser().get(f"/ui/onboarding?id={make_invitation(ina).row.id}"))


def test_without_a_link_it_is_the_page_for_spent_ones(browser):
    assert_gone(browser().get("/ui/onboarding"))


@pytest.mark.parametrize("cause", ["used", "replaced", "expired", "blocked", "waited", "signed by nobody"])
@both_ways
def test_a_form_that_was_open_meanwhile_is_answered_alike(browser, arrived, ina, cause, htmx):
    token = arrived.csrf_token()
    moment = now()
    if cause == "used":
        other = browser()
        open_link(other, make_invitation_again(ina))
        other.submit("/ui/onboarding", password=NEW_PASSWORD)
    elif cause == "replaced":
        make_invitation_again(ina)
    elif cause == "blocked":
        change(ina, is_blocked=True)
    elif cause == "signed by nobody":
        arrived.transport.client.set_cookie("selfserve_onboarding", "e30.nobody", path="/ui/onboarding")
    else:
        moment += timedelta(days=8) if cause == "expired" else timedelta(minutes=16)
    with travel(moment):
        answer = arrived.post("/ui/onboarding", {"password": NEW_PASSWORD, "csrf_token": token}, htmx=htmx)
    assert_gone(answer, htmx=htmx)
    assert reload(ina).has_password is (cause == "used")


def make_invitation_again(user):
    """End the open link and make a newer one."""
    for invitation in rows(Invitation):
        change(invitation, ended_at=now())
    return make_invitation(user).secret
