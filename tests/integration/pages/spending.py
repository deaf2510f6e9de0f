"""The spend page as the eye reads it, and days to show on it."""

from datetime import UTC, datetime, timedelta

from selfserve.models import DailySpend
from tests.factories import make_key, save_all
from tests.integration.pages.parts import words

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)  # a Wednesday
DOLLAR = 10**9
NOBODY = "99999999-9999-4999-8999-999999999999"
SVG = "{http://www.w3.org/2000/svg}"
MONTHLY = {"max_budget": 50 * DOLLAR, "budget_duration": "1mo", "budget_reset_at": datetime(2026, 7, 1, tzinfo=UTC)}


def days_of(user, *told, key=None):
    """Write sums of days: model, days ago, dollars, and whatever else."""
    key = key or make_key(user).row
    save_all(
        [
            DailySpend(
                user_pk=user.id, key_id=key.id, model=model, day=NOON.date() - timedelta(days=age),
                spend=round(dollars * DOLLAR), **{"requests": 1} | more,
            )
            for model, age, dollars, more in told
        ]
    )  # fmt: skip
    return key


def said(answer):
    """All words of a page."""
    return answer.html.words().replace(" .", ".")


def cards(answer):
    """The cards, by their headings."""
    return {words(card[0]): words(card).replace(" .", ".") for dl in answer.html.all("dl") for card in dl if len(card)}


def drawn(answer, *tags):
    """What the drawings of a page are made of."""
    return answer.html.all(*(SVG + tag for tag in tags))


def section(answer, name):
    """One panel of the page."""
    return next((one for one in answer.html.all("section") if one.get("aria-labelledby") == name), None)


def lines(answer, name):
    """The rows of one of its tables, as they read."""
    part = section(answer, name)
    return [] if part is None else [words(row) for body in part.iter("tbody") for row in body]


def chosen(answer, label):
    """Which link of a navigation is the current one."""
    navs = [nav for nav in answer.html.all("nav") if nav.get("aria-label") == label]
    return [words(a) for nav in navs for a in nav.iter("a") if a.get("aria-current")]


def meters(answer):
    """What the bars of the cards say."""
    return [svg.get("aria-label") for dl in answer.html.all("dl") for svg in dl.iter(f"{SVG}svg") if svg.get("role")]
