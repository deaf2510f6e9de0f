"""Coming by a link, on the pages."""

import pytest

from tests.factories import PASSWORD, make_invitation, make_user, reload

NEW_PASSWORD = "seven quiet foxes at noon"


@pytest.fixture
def arrived(browser, ada, ina):
    """Ina's browser, on the page behind her link."""
    page = browser()
    moved = page.get(f"/ui/onboarding?id={make_invitation(ina, by=ada).secret}")
    assert (moved.status, moved.location) == (303, "/ui/onboarding")
    page.follow(moved)
    return page


def test_the_page_says_who_invited_her_and_to_what(arrived):
    words = arrived.page.words()
    assert "Ada invited you" in words
    assert "ina@example.com" in words
    assert "Internal user" in words


@pytest.mark.parametrize("name", ["id", "invitation_id"])
def test_both_documented_names_of_the_link_open_it(browser, ina, name):
    page = browser()
    assert page.follow(page.get(f"/ui/onboarding?{name}={make_invitation(ina).secret}")).status == 200


def test_ina_sets_her_password_and_is_asked_for_her_first_key(arrived, ina):
    answer = arrived.submit("/ui/onboarding", password=NEW_PASSWORD)
    assert (answer.status, answer.location) == (303, "/ui/keys/new")
    assert arrived.follow(answer).status == 200
    assert reload(ina).has_password


def test_who_may_not_make_keys_comes_to_the_list(browser):
    viewer = make_user("Noa", role="internal_user_viewer", password=None)
    page = browser()
    page.follow(page.get(f"/ui/onboarding?id={make_invitation(viewer).secret}"))
    assert page.submit("/ui/onboarding", password=NEW_PASSWORD).location == "/ui/keys"


@pytest.mark.parametrize("password", ["", "short one", "passwordpassword", "ina@example.com", "x" * 129])
def test_a_weak_password_is_told_on_its_field_and_the_link_lives(arrived, ina, password):
    answer = arrived.submit("/ui/onboarding", password=password)
    assert answer.status == 422
    assert any(field.get("aria-invalid") for field in answer.html.all("input"))
    assert [field.get("value") for field in answer.html.all("input") if field.get("type") == "password"] == [None]
    assert arrived.submit("/ui/onboarding", password=NEW_PASSWORD).status == 303


def test_who_has_no_address_brings_one(browser, mia):
    nameless = make_user("Noe", email=None, password=None)
    page = browser()
    page.follow(page.get(f"/ui/onboarding?id={make_invitation(nameless).secret}"))
    assert page.submit("/ui/onboarding", password=NEW_PASSWORD).status == 422
    taken = page.submit("/ui/onboarding", email="mia@example.com", password=NEW_PASSWORD)
    assert taken.status == 422
    assert page.submit("/ui/onboarding", email="noe@example.com", password=NEW_PASSWORD).status == 303
    assert reload(nameless).email == "noe@example.com"


def test_for_who_has_a_password_the_page_says_what_will_happen(browser, mia):
    page = browser()
    page.follow(page.get(f"/ui/onboarding?id={make_invitation(mia).secret}"))
    assert "signs you out everywhere" in page.page.words()
    assert page.submit("/ui/onboarding", password=NEW_PASSWORD).status == 303
    again = browser()
    again.get("/ui/login")
    assert again.submit("/ui/login", username="mia@example.com", password=PASSWORD).status == 422


def test_without_a_link_the_page_is_the_one_for_spent_links(browser):
    answer = browser().get("/ui/onboarding")
    assert answer.status == 410
    assert "This link is no longer valid" in answer.html.words()
