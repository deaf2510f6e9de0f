"""What people write is text on every page: no payload adds an element, an attribute or an address (S-27, S-33)."""

import csv
import io
import re
from collections import Counter
from urllib.parse import quote

import pytest

from selfserve.models import ApiKey, Invitation, User
from tests.application import the_database
from tests.clients import Answer, Browser, InProcess
from tests.factories import PASSWORD, make_invitation, make_user, rows
from tests.integration.security.actions import token_of
from tests.integration.security.marks import user_and_marks
from tests.integration.security.walks import READS, queries, visitor

pytestmark = pytest.mark.any_database

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    '" hx-get="/ui/users" hx-trigger="load',
    "</textarea></title></style></script><svg onload=alert(1)>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "{{ 7*7 }}{% if 1 %}${7*7}#{7*7}",
    "<a href=javascript:alert(1)>x</a>",
    "<template><tr></template></td></tr></table>",
    "<!--><!]]>--><b>",
    "&lt;script&gt;&#60;b&#62;&quot;",
    "<iframe srcdoc=x>",
    "%(actor)s {actor.key} {0.__class__}",
    "<form action=//evil.example><input name=csrf_token>",
]
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{24,}")
LINKS = ("href", "src", "action", "formaction", "hx-get", "hx-post", "xlink:href", "poster", "srcdoc")


def shape_of(answer):
    """Count the elements of a page by tag and names of attributes: what a payload must not change."""
    elements = [each for each in answer.html.tree.iter() if isinstance(each.tag, str)]
    return Counter((each.tag, *sorted(each.attrib)) for each in elements)


def links_of(answer):
    """Collect the addresses of a page without their query, which may carry what somebody searches for."""
    return Counter(
        ID.sub("<id>", value.partition("?")[0])
        for each in answer.html.tree.iter()
        if isinstance(each.tag, str)
        for name, value in each.attrib.items()
        if name in LINKS
    )


def house_full_of(text, browser, curl):
    """Write a text into every column of everything of Ada's and of somebody else's; give who visits, and the scenes."""
    the_database().reset()
    ada, other = make_user("Ada", role="proxy_admin"), make_user("Other", user_id=text)
    there, scenes = visitor(browser, curl, ada), []
    for mark, person in (("a", ada), ("o", other)):
        words = lambda _table, _column, number, mark=mark: f"{text}{mark}{number}"  # noqa: E731
        scenes.append(user_and_marks(person, words)[1])
    return there, scenes


def visit(there, scenes):
    """Open every page for every scene, whole and in parts; and the link that was sent to somebody."""
    for number, scene in enumerate(scenes):
        for route in [route for route in READS if route.is_page]:
            for query, htmx in [*((query, False) for query in queries(route, scene)), ("", True)]:
                answer = there.ask(route, scene, query, htmx=htmx)
                if answer.status == 200 and not answer.is_file:
                    yield (str(route), number, query.partition("=")[0], htmx), answer
    guest = Browser(InProcess(there.page.transport.client.application))
    yield "onboarding", guest.follow(guest.get(f"/ui/onboarding?id={scenes[1].invitation.secret}"))


@pytest.fixture(scope="module")
def plain():
    """What the pages are like with harmless words, remembered from the first time."""
    return {}


COMPOUNDS = [
    "\"'><svg/onload=alert(1)>{{7*7}}<!--",
    "</textarea></title></script><script>alert(1)</script>",
    'javascript:alert(1)//" hx-get="/x" hx-trigger="load',
    "&lt;b&gt;<template></td></tr></table><form action=//e.example>",
]
"""Several payloads in one, short enough for every column."""


@pytest.mark.parametrize("payload", COMPOUNDS)
def test_no_text_in_any_column_changes_the_shape_of_any_page(browser, curl, app, plain, payload):
    """S-27: every page with harmless words and with the payload: equal elements, attributes and addresses."""
    if not plain:
        harmless = visit(*house_full_of("plain words", browser, curl))
        plain.update({where: (shape_of(answer), links_of(answer)) for where, answer in harmless})
    assert len(plain) > 40
    for where, answer in visit(*house_full_of(payload, browser, curl)):
        assert plain[where] == (shape_of(answer), links_of(answer)), where


FORMULAS = ["=HYPERLINK(1)", "+1+1", "-1-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\uff1d1+1"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_any_file_is_a_formula(browser, curl, app, formula):
    """S-36: every file that can be saved, with the formula in every column; what begins like one is shown as text."""
    there, scenes = house_full_of(formula, browser, curl)
    cells = [
        cell
        for route in [route for route in READS if route.rule.endswith(".csv")]
        for query in queries(route, scenes[0])
        if (answer := there.ask(route, scenes[0], query)).is_sheet
        for row in csv.reader(io.StringIO(answer.text, newline=""))
        for cell in row
    ]
    assert [cell for cell in cells if cell.startswith("'" + formula)]
    assert [cell for cell in cells if cell.startswith(tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20"))] == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_is_typed_into_a_form_comes_back_as_text(browser, ada, payload):
    """S-27: a refused form shows what was typed; a search field what is searched for."""
    page = browser(ada)
    token = token_of(page)
    for path, harmless, hostile in [
        ("/ui/keys", {"key_alias": "x" * 300}, {"key_alias": payload * 60}),
        ("/ui/keys", {"key_alias": "x", "max_budget": "many"}, {"key_alias": payload, "max_budget": payload}),
        ("/ui/keys", {"key_alias": "x", "expires": "soon"}, {"key_alias": payload, "expires": payload}),
        ("/ui/keys", {"key_alias": "x", "rpm_limit": "x"}, {"models": payload, "rpm_limit": payload}),
        ("/ui/users", {"emails": "nonsense"}, {"emails": payload}),
        ("/ui/users", {"emails": "a@b.example", "max_budget": "x"}, {"emails": "a@b.example", "max_budget": payload}),
    ]:
        plain, answer = (page.post(path, fields | token) for fields in (harmless, hostile))
        assert (plain.status, answer.status) == (422, 422), path
        added = set(shape_of(answer)) - set(shape_of(plain))
        assert not [shape for shape in added if shape[0] not in ("input", "select", "textarea", "p", "details")], added
        assert not [name for shape in added for name in shape if name.startswith(("on", "hx-on"))], added


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_is_searched_for_comes_back_as_text(browser, ada, payload):
    """S-27: in the field, in the pager, in the forms that lead back."""
    page = browser(ada)
    for path in ("/ui/keys", "/ui/all-keys", "/ui/users", "/ui/audit"):
        for htmx in (False, True):
            plain, answer = page.get(f"{path}?q=nothing", htmx=htmx), page.get(f"{path}?q={quote(payload)}", htmx=htmx)
            assert (answer.status, shape_of(answer)) == (200, shape_of(plain))
            assert links_of(answer) == links_of(plain)
            assert "\n" not in answer.headers.get("hx-push-url", "")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_toasts_and_fresh_panels_say_it_as_text(browser, curl, ada, payload):
    """S-27: the name of what was just made, blocked or deleted."""
    page, harmless = browser(ada), {}
    token = token_of(page)
    for name in ("harmless", payload):
        made = page.post("/ui/keys", {"key_alias": name} | token, reveals=True)
        key = next(each for each in rows(ApiKey) if each.alias == name.strip())
        answers = [made, *(page.post(f"/ui/keys/{key.id}/{deed}", token, htmx=True) for deed in ("block", "unblock"))]
        page.post(f"/ui/keys/{key.id}/delete", token)
        answers.append(page.get("/ui/keys"))
        shapes = [set(shape_of(answer)) for answer in answers]
        assert shapes == harmless.setdefault("shapes", shapes)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_api_answers_it_as_json_and_lets_no_browser_read_it_as_html(curl, master, payload):
    """S-27: application/json and nosniff, so an answer opened in a tab is no page; stored as it was sent."""
    body = {"user_id": payload, "user_alias": payload, "metadata": {payload: payload}, "auto_create_key": False}
    answer = master.post("/user/new", body)
    assert (answer.status, answer.json["user_alias"], answer.json["metadata"]) == (200, payload, {payload: payload})
    assert answer.headers["content-type"] == "application/json"
    for path in (f"/user/info?user_id={payload}", f"/key/info?key={payload}", f"/{payload}"):
        shown = master.get(quote(path, safe="/?="))
        assert shown.headers["content-type"] == "application/json"
        assert shown.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("payload", PAYLOADS[:4])
def test_the_organization_and_the_contact_are_text_too(app_with, ada, payload):
    """S-27: also what whoever runs the house set."""
    shapes = []
    for text in ("harmless", payload[:60]):
        house = app_with(selfserve_organization=text, email_support_contact=text)
        page = Browser(InProcess(house)).sign_in(ada)
        stranger = Browser(InProcess(house))
        shapes.append([set(shape_of(page.get(path))) for path in ("/ui/keys", "/ui/nothing")])
        shapes[-1].append(set(shape_of(stranger.get("/ui/login"))))
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_an_invited_person_writes_their_address_and_no_more(app, browser, payload):
    """S-27: the one field that somebody without an account can write."""
    nameless = make_user("Noe", email=None, password=None)
    page = browser()
    page.follow(page.get(f"/ui/onboarding?id={make_invitation(nameless).secret}"))
    answer = page.submit("/ui/onboarding", email=payload, password=PASSWORD)
    assert answer.status == 422
    assert not [shape for shape in shape_of(answer) for name in shape if name.startswith("on")]
    assert [user.email for user in rows(User) if user.user_id == "noe"] == [None]
    assert [row.accepted_at for row in rows(Invitation)] == [None]


def test_the_corpus_would_be_seen():
    """The comparison notices an element, an attribute and an address that were added."""

    def page(inner):
        return Answer(200, {}, f"<div><p>{inner}</p></div>".encode())

    assert shape_of(page("<b>x</b>")) != shape_of(page("x"))
    assert shape_of(page("<b title=x>x</b>")) != shape_of(page("<b>x</b>"))
    assert links_of(page("<a href='javascript:x'>x</a>")) != links_of(page("<a href='/x'>x</a>"))
