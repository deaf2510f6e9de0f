"""Words are values: no text becomes SQL, a pattern, a template or a path, wherever it is sent (S-31, S-32, S-33)."""

import re
from urllib.parse import quote, urlencode

import pytest

from selfserve.models import User
from tests.application import MASTER_KEY
from tests.factories import make_key, make_user, rows
from tests.integration.security.actions import CURL_DEEDS, PAGE_DEEDS, scene_of, token_of
from tests.integration.security.replays import Thief, steal
from tests.integration.security.snapshots import unchanged
from tests.integration.security.walks import (
    GUARDED,
    GUARDED_WRITES,
    READS,
    ROUTES,
    asked,
    named,
    visitor,
    without_chance,
)

SQL = [
    "'", '"', "' OR '1'='1", "' OR 1=1 --", '") OR 1=1 --', "1; DROP TABLE users; --",
    "' UNION SELECT token FROM api_keys --", "'; UPDATE users SET role='proxy_admin'; --", "\\' OR 1=1 #",
    "$$; SELECT 1; $$",
    "x' || (SELECT user_id FROM users) || '", "\u02bc OR 1=1", "%(x)s %s :name ? $1", "{{7*7}}${7*7}",
    "../../etc/passwd",
]  # fmt: skip
MEANT = {200, 201, 303, 400, 401, 403, 404, 409, 410, 422, 429}


@pytest.fixture
def secretive(mia):
    """Somebody whose name and key must not come out."""
    other = make_user("Secretive")
    return make_key(other, "secretive-key")


FILES = ("audit.export", "audit.export_lines")
"""Files of the log ask as its page does, which hears every text; each adds a row to the next."""
TOLD = dict.fromkeys(("sso.callback", *FILES), ("audit_events",))
"""Where a read is written down: a sign-in that is refused, a file of the log."""


@pytest.mark.parametrize("role", ["internal_user", "proxy_admin"])
@pytest.mark.parametrize("route", **named(READS))
def test_no_word_of_any_address_is_sql(browser, curl, secretive, route, role):
    """S-31: every word that a read knows, sort columns and directions too; what is not read changes nothing."""
    someone = make_user("Someone", role=role)
    there, scene = visitor(browser, curl, someone), scene_of(someone, someone)
    plain = without_chance(there.ask(route, scene))
    texts = SQL[:4] if route.endpoint in FILES else SQL
    with unchanged("throttles", *TOLD.get(route.endpoint, ())):
        for word, is_read in list(there.reads(route, scene)):
            for text in texts if is_read else SQL[:1]:
                answer = there.ask(route, scene, asked(word, text))
                assert answer.status in MEANT, (word, text)
                is_unread = role == "proxy_admin" and without_chance(answer) == plain
                assert is_unread or "secretive" not in answer.text.lower(), (word, text)


@pytest.mark.parametrize("route", **named([route for route in ROUTES if "<" in route.rule]))
def test_no_part_of_any_path_is_sql(browser, curl, ada, secretive, route):
    """S-31: what stands in the place of an id finds nothing, or is no address at all."""
    there = visitor(browser, curl, ada)
    with unchanged("throttles"):
        for text in SQL:
            path = re.sub("<.*?>", quote(text, safe=""), route.rule)
            there_is = (there.page if route.is_page else there.door).transport.send
            body = urlencode({"csrf_token": there.page.csrf_token()}) if route.is_page else "{}"
            kind = "application/x-www-form-urlencoded" if route.is_page else "application/json"
            headers = {"Content-Type": kind, "Authorization": f"Bearer {there.door.token}"}
            answer = there_is(route.method, path, headers, body.encode() if route.method == "POST" else None)
            assert answer.status in (400, 404, 405), path
            assert "secretive" not in answer.text.lower()


def test_no_name_of_a_key_is_sql(curl, mia, secretive):
    """S-31: the one read whose words are in a body."""
    door = curl(mia)
    for text in SQL:
        answer = door.post("/v2/key/info", {"keys": [text], "key_aliases": [text]})
        assert answer.status == 422 or answer.json["info"] == [], text


WAYS = {
    "Bearer": lambda token: {"Authorization": f"Bearer {token}"},
    "bare": lambda token: {"Authorization": token},
    "x-litellm-api-key": lambda token: {"x-litellm-api-key": token, "Authorization": f"Bearer {MASTER_KEY}"},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_no_key_is_sql_not_even_on_the_way_of_its_refusal(app, secretive, way):
    """S-31: CVE-2026-42208: the error path put the key into a statement; every route that wants one."""
    doors = [route for route in GUARDED if not route.is_page]
    with unchanged("throttles"):
        for number, route in enumerate(doors):
            path = re.sub("<.*?>", "x", route.rule)
            text = SQL[number % len(SQL)].encode().decode("latin-1")
            for token in (text, f"sk-{text}", f"sk-ss_{text}", f"{MASTER_KEY}{text}"):
                answer = Thief(app).send(route.method, path, way(token), None)
                assert answer.status in (401, 429), path
                assert "secretive" not in answer.text
    assert len(doors) > len(SQL)


def test_no_cookie_is_sql(app, secretive):
    """S-31: neither the session's nor onboarding's."""
    with unchanged("throttles"):
        for text in SQL:
            for name in ("selfserve_session", "selfserve_onboarding"):
                cookie = f"{name}={quote(text)}"
                assert Thief(app, cookie).send("GET", "/ui/keys", {}, None).status == 303
                assert Thief(app, cookie).send("GET", "/ui/onboarding", {}, None).status == 410


HEADERS = (
    "User-Agent", "Referer", "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Accept",
    "Accept-Language", "Accept-Encoding", "HX-Request", "HX-Target", "HX-Trigger", "HX-Current-URL", "HX-Boosted",
    "If-None-Match", "If-Modified-Since", "Range", "X-Request-Id", "Content-Type", "X-CSRFToken",
)  # fmt: skip


@pytest.mark.any_database
@pytest.mark.parametrize("route", **named(READS))
def test_no_header_is_sql(app, browser, curl, mia, secretive, route):
    """S-31: what is noted of a visitor is a value, and none of it opens or breaks a page."""
    page, scene, key = browser(mia), scene_of(mia, mia), make_key(mia).secret
    loot = steal(app, page)
    credentials = {} if route.is_page else {"Authorization": f"Bearer {key}"}
    path = route.deed.path(scene)
    plain = Thief(app, loot.header).send("GET", path, credentials, None).status
    for text in SQL:
        value = text.encode().decode("latin-1")
        headers = dict.fromkeys(HEADERS, value) | credentials
        cookie = "; ".join([loot.header, *(f"{name}={quote(text)}" for name in ("theme", "appearance", "x"))])
        answer = Thief(app, cookie).send("GET", path, headers, None)
        assert answer.status == plain, text
        assert "secretive" not in answer.text.lower()
    assert {user.role for user in rows(User) if user.user_id in ("mia", "secretive")} == {"internal_user"}


@pytest.mark.parametrize("deed", CURL_DEEDS, ids=[deed.endpoint for deed in CURL_DEEDS])
def test_no_field_of_any_call_is_sql(curl, ada, mia, otto, deed):
    """S-31: every documented field, alone in a body that is right; single, in a list and as a name."""
    door = curl(ada)
    scene = scene_of(otto, mia)
    address, body = deed.path(scene), deed.fields(scene)
    fields = next(route for route in GUARDED_WRITES if route.endpoint == deed.endpoint).words
    roles = {user.user_id: user.role for user in rows(User) if user.id != scene.user.id}
    for number, text in enumerate(SQL):
        for name in fields:
            for value in (text, [text], {text: text}) if number == 0 else (text,):
                answer = door.post(address, body | {name: value}, reveals=True)
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


SEARCHED = [(route, word) for route in READS for word in route.words if word in ("q", "search")]


@pytest.fixture
def finds(browser, curl, ada):
    """Tell which rows a search of Ada's finds: `finds(route, word, text)`."""
    there, scene = visitor(browser, curl, ada), scene_of(ada, ada)

    def find(route, word, text):
        more = "&return_full_object=true" if "return_full_object" in route.words else ""
        told = there.ask(route, scene, asked(word, text) + more).text
        return {name for name in ("plainest", "markedly") if f"{name}@" in told or f"{name}-key" in told}

    return find


@pytest.mark.parametrize("text", LITERAL)
def test_a_wildcard_is_a_letter_like_any_other(finds, ada, text):
    """S-32: CVE-2026-25592's search for `%`, in every search: it finds what begins with it and nothing else."""
    for name, begin in (("plainest", "aXb 100"), ("markedly", text)):
        someone = make_user(name, alias=f"{begin} {name}", user_id=f"{begin}{name}")
        make_key(ada, f"{begin} {name}-key")
        make_key(someone, f"{begin} {name}-key")
    searches = [(route, word) for route, word in SEARCHED if finds(route, word, "aXb 100") == {"plainest"}]
    assert len(searches) >= 6
    for route, word in searches:
        assert finds(route, word, text) == {"markedly"}, route
        assert finds(route, word, f"a{text}") == set(), route


def test_no_page_is_larger_than_it_may_be(browser, master, ada):
    """S-32: sizes are bounded whatever is asked for."""
    for number in range(120):
        make_key(ada, f"k{number}")
    for size in ("101", "1000", "999999999999"):
        assert len(master.get(f"/key/list?size={size}").json["keys"]) == 100
        assert master.get(f"/user/list?page_size={size}").json["page_size"] == 100
    assert browser(ada).get("/ui/keys?size=1000").text.count("<tr id=") == 50
    assert len(master.get("/user/info", user_id="ada").json["keys"]) == 100
