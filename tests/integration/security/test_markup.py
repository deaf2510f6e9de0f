"""What people write is text on every page: no payload adds an element, an attribute or an address (S-27, S-33)."""

from collections import Counter
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from selfserve.models import ApiKey, DailySpend, Invitation, User
from tests.clients import Answer, Browser, InProcess
from tests.factories import PASSWORD, change, make_invitation, make_key, make_user, rows, save
from tests.integration.security.actions import token_of

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
LINKS = ("href", "src", "action", "formaction", "hx-get", "hx-post", "xlink:href", "poster", "srcdoc")
PAGES = [
    "/ui/keys", "/ui/keys/new", "/ui/all-keys", "/ui/users", "/ui/users/new", "/ui/spend", "/ui/account", "/ui/logout",
    "/ui/keys/{key}/delete", "/ui/keys/{key}", "/ui/keys/{key}/edit", "/ui/keys/{key}/rename", "/ui/keys/{key}/rotate",
    "/ui/keys/bulk/delete?key_id={key}", "/ui/users/{user}/delete",
]  # fmt: skip


def shape_of(answer):
    """Count the elements of a page by tag and names of attributes: what a payload must not change."""
    elements = [each for each in answer.html.tree.iter() if isinstance(each.tag, str)]
    return Counter((each.tag, *sorted(each.attrib)) for each in elements)


def links_of(answer):
    """Collect the addresses of a page without their query, which may carry what somebody searches for."""
    return Counter(
        value.partition("?")[0]
        for each in answer.html.tree.iter()
        if isinstance(each.tag, str)
        for name, value in each.attrib.items()
        if name in LINKS
    )


@pytest.fixture
def write(ada):
    """Write one text into every field that people can write: `write("text")`."""
    other = make_user("Other")
    key, spender, theirs = make_key(ada, "own"), make_key(ada, "spender"), make_key(other, "theirs", is_blocked=True)
    link = make_invitation(make_user("Ina", password=None), by=ada)
    today = datetime.now(UTC).date()
    models = iter(range(100))

    def put(text):
        with_models = {"models": [text, f"{text} 2"], "details": {text: text}}
        change(ada, alias=text, **with_models)
        change(other, alias=None, email=None, user_id=text, **with_models)
        change(key.row, alias=text, tags=[text], **with_models)
        change(theirs.row, alias=text, blocked_by=text)
        change(link.row, created_by_name=text)
        save(DailySpend(user_pk=ada.id, day=today, key_id=spender.row.id, model=f"{text}{next(models)}", requests=1))

    put.key, put.user, put.link = key.row.id, other.id, link.secret
    return put


def visit(page, write):
    """Open every page that shows what people wrote; the spend table grows by a row each time, so it comes last."""
    addresses = [path.format(key=write.key, user=write.user) for path in PAGES if path != "/ui/spend"]
    answers = {(path, htmx): page.get(path, htmx=htmx) for path in addresses for htmx in (False, True)}
    guest = Browser(InProcess(page.transport.client.application))
    answers["onboarding"] = guest.follow(guest.get(f"/ui/onboarding?id={write.link}"))
    return answers


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_in_any_column_changes_the_shape_of_any_page(browser, ada, write, payload):
    """S-27: the same pages with a harmless word and with the payload: equal elements, attributes and addresses."""
    page = browser(ada)
    write("harmless")
    plain = visit(page, write)
    write(payload)
    for where, answer in visit(page, write).items():
        assert answer.status == 200, where
        assert shape_of(answer) == shape_of(plain[where]), where
        assert links_of(answer) == links_of(plain[where]), where
    spend = page.get("/ui/spend")
    assert payload in [
        "".join(cell.itertext()).removesuffix("1") for cell in spend.html.all("span") if cell.get("class") == "clip"
    ]


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
    for path in ("/ui/keys", "/ui/all-keys", "/ui/users"):
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
