"""Whose spend the page shows: one's own, and for admins everyone's and one person's."""

import pytest
from time_machine import travel

from tests.factories import make_key, make_user
from tests.integration.pages.parts import link, words
from tests.integration.pages.spending import DOLLAR, MONTHLY, NOBODY, NOON, cards, chosen, days_of, lines, said


@pytest.fixture(autouse=True)
def today():
    """It is a Wednesday in June."""
    with travel(NOON, tick=False):
        yield


@pytest.mark.parametrize("role", ["proxy_admin", "proxy_admin_viewer"])
def test_admins_see_their_own_first_and_everyones_beside_it(browser, mia, otto, role):
    nora = make_user("Nora", role=role)
    days_of(mia, ("gpt", 0, 2, {}), key=make_key(mia, "laptop").row)
    days_of(otto, ("claude", 0, 1, {}), key=make_key(otto, "server").row)
    page = browser(nora)
    own = page.get("/ui/spend")
    assert (words(own.html.all("h1")[0]), chosen(own, "Whose spend")) == ("My spend", ["Mine"])
    assert "No calls this month" in own.html.words()
    everyones = page.get(link(own, "Everyone"))
    assert (words(everyones.html.all("h1")[0]), chosen(everyones, "Whose spend")) == ("Everyone’s spend", ["Everyone"])
    assert cards(everyones)["Spend"] == "Spend $3.00 By 2 people with 2 keys"
    assert lines(everyones, "by-person") == ["Mia mia@example.com 1 $2.00", "Otto otto@example.com 1 $1.00"]
    assert lines(everyones, "by-key") == ["laptop Mia 1 $2.00", "server Otto 1 $1.00"]
    hers = page.get(link(everyones, "Mia"))
    assert (words(hers.html.all("h1")[0]), chosen(hers, "Whose spend")) == ("Mia’s spend", ["Mia"])
    assert cards(hers)["Spend"] == "Spend $2.00 No budget limit."
    assert lines(hers, "by-key") == ["laptop 1 $2.00"]
    assert link(hers, "Everyone’s spend") == "/ui/spend?scope=everyone"


def test_links_keep_the_range_and_whose_spend_it_is(browser, ada, mia):
    days_of(mia, ("gpt", 0, 2, {}))
    page = browser(ada)
    everyones = page.get("/ui/spend?range=90d&scope=everyone")
    assert link(everyones, "Mia") == f"/ui/spend?range=90d&user={mia.id}"
    assert link(everyones, "7 days") == "/ui/spend?scope=everyone&range=7d"
    assert link(everyones, "Mine") == "/ui/spend?range=90d"
    assert link(everyones, "Export CSV") == "/ui/spend.csv?range=90d&scope=everyone"
    picked = page.get(f"/ui/spend?from=2026-06-01&to=2026-06-17&user={mia.id}")
    assert link(picked, "Everyone") == "/ui/spend?from=2026-06-01&to=2026-06-17&scope=everyone"
    (form,) = [form for form in picked.html.forms if form.action == "/ui/spend"]
    assert form.fields == {"user": mia.id, "from": "2026-06-01", "to": "2026-06-17"}


def test_people_beyond_the_first_come_together_and_deleted_ones_stay(browser, ada):
    for number in range(22):
        days_of(make_user(f"Person{number:02}"), ("gpt", 0, 30 - number, {}))
    gone = make_user("Gone", deleted_at=NOON)
    days_of(gone, ("gpt", 0, 99, {}))
    page = browser(ada)
    answer = page.get("/ui/spend?scope=everyone")
    assert lines(answer, "by-person")[0] == "Gone gone@example.com, deleted 1 $99.00"
    assert lines(answer, "by-person")[-1] == "3 others 3 $30.00"
    assert cards(answer)["Spend"].endswith("By 23 people with 23 keys")
    assert cards(page.get(f"/ui/spend?user={gone.id}"))["Spend"].startswith("Spend $99.00")


def test_a_used_up_budget_of_somebody_is_told_to_the_admin_as_theirs(browser, ada):
    pia = make_user("Pia", window_spend=50 * DOLLAR, **MONTHLY)
    told = said(browser(ada).get(f"/ui/spend?user={pia.id}"))
    assert "Pia’s June budget is used up. Model calls with their keys are refused until it resets on 1 Jul." in told
    assert "Ask an admin" not in told
    assert "Pia made no call." in told


@pytest.mark.parametrize("path", ["/ui/spend", "/ui/spend.csv"])
@pytest.mark.parametrize("role", ["internal_user", "internal_user_viewer"])
def test_nobody_else_sees_anybody_elses(browser, otto, path, role):
    """S-6: whoever is named, and whether they exist or not; the tabs are not there either."""
    days_of(otto, ("otto's model", 0, 2, {}))
    pia = make_user("Pia", role=role)
    page = browser(pia)
    for query in (f"user={otto.id}", f"user={NOBODY}", "user=otto", "scope=everyone", f"scope=everyone&user={pia.id}"):
        answer = page.get(f"{path}?{query}")
        assert (answer.status, "otto" in answer.text) == (403, False), query
    own = page.get(f"/ui/spend?user={pia.id}")
    assert (own.status, link(own, "Everyone"), "otto" in own.text) == (200, None, False)
    assert "otto" not in page.get("/ui/spend.csv").text


@pytest.mark.parametrize("path", ["/ui/spend", "/ui/spend.csv"])
def test_an_unknown_person_is_not_found(browser, ada, path):
    for name in (NOBODY, "nobody", "ada"):
        assert browser(ada).get(f"{path}?user={name}").status == 404
