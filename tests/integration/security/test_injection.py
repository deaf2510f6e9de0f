"""Words are values: no text becomes SQL, a pattern, a template or a path, wherever it is sent (S-31, S-32, S-33)."""

from urllib.parse import quote, urlencode

import pytest

from selfserve.models import User
from selfserve.web.guards import is_pages_face
from tests.application import MASTER_KEY, the_app
from tests.factories import make_key, make_user, rows
from tests.integration.security.actions import BODIES, CURL_DEEDS, PAGE_DEEDS, scene_of, token_of
from tests.integration.security.replays import Thief, steal
from tests.integration.security.snapshots import unchanged

SQL = [
    "'", '"', "' OR '1'='1", "' OR 1=1 --", '") OR 1=1 --', "1; DROP TABLE users; --",
    "' UNION SELECT token FROM api_keys --", "'; UPDATE users SET role='proxy_admin'; --", "\\' OR 1=1 #",
    "$$; SELECT 1; $$",
    "x' || (SELECT user_id FROM users) || '", "\u02bc OR 1=1", "%(x)s %s :name ? $1", "{{7*7}}${7*7}",
    "../../etc/passwd",
]  # fmt: skip
LISTS = ("page", "size", "page_size", "sort_by", "sort_order", "search", "user_id", "user_ids", "user_email", "role",
         "key_hash", "key_alias", "team_id", "status", "return_full_object")  # fmt: skip
PARAMETERS = {
    "/ui/keys": ("q", "status", "after", "list"),
    "/ui/all-keys": ("q", "status", "after"),
    "/ui/users": ("q", "status", "role", "after"),
    "/ui/spend": ("days",),
    "/ui/login": ("next", "bye"),
    "/ui/onboarding": ("id", "invitation_id"),
    "/key/list": LISTS,
    "/user/list": LISTS,
    "/key/info": ("key",),
    "/key/aliases": ("page", "size", "search"),
    "/user/info": ("user_id",),
    "/v2/user/info": ("user_id",),
    "/invitation/info": ("invitation_id",),
    "/onboarding/get_token": ("invite_link",),
}
FREE = {"/ui/", "/", "/ui/keys/new", "/ui/users/new", "/ui/account", "/ui/logout", "/user/available_roles", "/docs",
        "/openapi.json", "/key/health", "/health/liveness", "/health/liveliness", "/health/readiness"}  # fmt: skip
MEANT = {200, 201, 303, 400, 401, 403, 404, 409, 410, 422, 429}


READ_NOT = {
    ("/user/list", "size"), ("/user/list", "user_id"), ("/user/list", "key_hash"), ("/user/list", "key_alias"),
    ("/user/list", "team_id"), ("/user/list", "status"), ("/user/list", "return_full_object"),
    ("/key/list", "page_size"), ("/key/list", "user_ids"), ("/key/list", "user_email"), ("/key/list", "role"),
}  # fmt: skip
"""Parameters of the other list: unknown words are ignored, so an admin's list is whole."""


@pytest.fixture
def secretive(mia):
    """Somebody whose name and key must not come out."""
    other = make_user("Secretive")
    return make_key(other, "secretive-key")


def test_every_read_says_here_what_it_reads():
    """Who adds a GET route adds its parameters above, or says that it has none."""
    rules = {rule.rule for rule in the_app().url_map.iter_rules() if "GET" in rule.methods and "<" not in rule.rule}
    assert rules == set(PARAMETERS) | FREE


@pytest.mark.parametrize("role", ["internal_user", "proxy_admin"])
@pytest.mark.parametrize("rule", PARAMETERS)
def test_no_parameter_of_any_read_is_sql(browser, curl, secretive, rule, role):
    """S-31: a filter that matches nothing finds nothing, whoever asks and whatever it is made of."""
    someone = make_user("Someone", role=role)
    page, door = browser(someone), curl(someone)
    with unchanged("throttles"):
        for text in SQL:
            for name in PARAMETERS[rule]:
                asked = f"{rule}?{name}={quote(text)}"
                answer = page.get(asked) if is_pages_face(rule) else door.get(asked)
                assert answer.status in MEANT, asked
                is_read_here = role == "proxy_admin" and (rule, name) in READ_NOT
                assert is_read_here or "secretive" not in answer.text.lower(), asked


def test_no_name_of_a_key_is_sql(curl, mia, secretive):
    """S-31: the one read whose words are in a body."""
    door = curl(mia)
    for text in SQL:
        answer = door.post("/v2/key/info", {"keys": [text], "key_aliases": [text]})
        assert answer.status == 422 or answer.json["info"] == [], text


@pytest.mark.parametrize("header", ["Authorization", "x-litellm-api-key", "bare"])
def test_no_key_is_sql_not_even_on_the_way_of_its_refusal(app, secretive, header):
    """S-31: CVE-2026-42208: the error path put the key into a statement."""
    with unchanged("throttles"):
        for text in SQL:
            for token in (text, f"sk-{text}", f"sk-ss_{text}", f"{MASTER_KEY}{text}"):
                value = token.encode().decode("latin-1")
                sent = {"Authorization": value if header == "bare" else f"Bearer {value}"}
                headers = {"x-litellm-api-key": value} if header == "x-litellm-api-key" else sent
                answer = Thief(app).send("GET", "/user/list", headers, None)
                assert answer.status == 401
                assert "secretive" not in answer.text


def test_no_cookie_is_sql(app, secretive):
    """S-31: neither the session's nor onboarding's."""
    with unchanged("throttles"):
        for text in SQL:
            for name in ("selfserve_session", "selfserve_onboarding"):
                cookie = f"{name}={quote(text)}"
                assert Thief(app, cookie).send("GET", "/ui/keys", {}, None).status == 303
                assert Thief(app, cookie).send("GET", "/ui/onboarding", {}, None).status == 410


@pytest.mark.parametrize(
    "header", ["Host", "User-Agent", "X-Forwarded-For", "Origin", "Referer", "HX-Request", "Accept"]
)
def test_no_header_is_sql(app, browser, mia, secretive, header):
    """S-31: what is noted of a visitor is a value."""
    loot = steal(app, browser(mia))
    for text in SQL:
        value = text.encode().decode("latin-1")
        answer = Thief(app, loot.header).send("GET", "/ui/keys", {header: value}, None)
        assert answer.status in (200, 303, 400)
    assert {user.role for user in rows(User) if user.user_id in ("mia", "secretive")} == {"internal_user"}


@pytest.mark.parametrize("deed", CURL_DEEDS, ids=[deed.endpoint for deed in CURL_DEEDS])
def test_no_field_of_any_call_is_sql(curl, ada, mia, otto, deed):
    """S-31: every field of every body, single and in lists; what is stored is stored as it was sent."""
    door = curl(ada)
    address = deed.path(scene_of(otto, mia))
    fields = set(BODIES.get(deed.endpoint, {})) | {
        "user_id",
        "key",
        "key_alias",
        "user_email",
        "duration",
        "models",
        "metadata",
    }
    roles = {user.user_id: user.role for user in rows(User)}
    for number, text in enumerate(SQL):
        for name in fields:
            for value in (text, [text], {text: text}) if number == 0 else (text,):
                answer = door.post(address, {name: value}, reveals=True)
                assert answer.status in MEANT, (name, value)
    assert roles == {user.user_id: user.role for user in rows(User) if user.user_id in roles}


@pytest.mark.parametrize("deed", PAGE_DEEDS, ids=[deed.endpoint for deed in PAGE_DEEDS])
def test_no_field_of_any_form_is_sql(browser, ada, mia, otto, deed):
    """S-31: the forms too, with the query of the list they lead back to."""
    page = browser(ada)
    token, scene = token_of(page), scene_of(mia, otto)
    for text in SQL:
        fields = dict.fromkeys((*deed.body, "q", "status", "list"), text) | token
        path = f"{deed.path(scene)}?{urlencode({'q': text, 'status': text, 'list': text, 'after': text})}"
        assert page.post(path, fields, reveals=True).status in MEANT
    assert {user.role for user in rows(User) if user.user_id == "ada"} == {"proxy_admin"}


# -- patterns --------------------------------------------------------------------------------------------------

LITERAL = ["%", "_", "\\", "%%", "_%", "100%", "a_b", "a\\b", "[a]", "*", "?", "^a", "a.b", ".*"]


@pytest.mark.parametrize("word", LITERAL)
def test_a_wildcard_is_a_letter_like_any_other(browser, curl, master, ada, mia, word):
    """S-32: CVE-2026-25592's search for `%`; it finds what contains it and nothing else, by both doors."""
    plain, other = make_key(ada, "plain aXb 100 percent"), make_user("Plain", user_id="aXb")
    marked, person = make_key(ada, f"{word} marked"), make_user("Marked", user_id=f"{word}marked")
    page = browser(ada)
    for path in ("/ui/keys", "/ui/all-keys"):
        found = page.get(f"{path}?q={quote(word)}").text
        assert (f"key-{marked.row.id}" in found, f"key-{plain.row.id}" in found) == (True, False)
    found = page.get(f"/ui/users?q={quote(word)}").text
    assert (f"user-{person.id}" in found, f"user-{other.id}" in found) == (True, False)
    listed = [key["key_alias"] for key in master.get("/key/list", search=word, return_full_object="true").json["keys"]]
    assert listed == [f"{word} marked"]
    assert [user["user_id"] for user in master.get("/user/list", search=word).json["users"]] == [f"{word}marked"]
    for name in ("user_ids", "user_email"):
        listed = master.get("/user/list", **{name: word}).json["users"]
        assert [user["user_id"] for user in listed] == ([f"{word}marked"] if name == "user_ids" else [])


def test_no_page_is_larger_than_it_may_be(browser, master, ada):
    """S-32: sizes are bounded whatever is asked for."""
    for number in range(120):
        make_key(ada, f"k{number}")
    for size in ("101", "1000", "999999999999"):
        assert len(master.get(f"/key/list?size={size}").json["keys"]) == 100
        assert master.get(f"/user/list?page_size={size}").json["page_size"] == 100
    assert browser(ada).get("/ui/keys?size=1000").text.count("<tr id=") == 50
    assert len(master.get("/user/info", user_id="ada").json["keys"]) == 100
