"""A secret is in exactly one answer: the whole journey on a running server, then a search everywhere (S-14, S-15)."""

import base64
import re
import zlib
from http.cookies import SimpleCookie

import pytest

from tests.application import MASTER_KEY, SECRET_KEY
from tests.clients import Browser, Curl, OverHttp
from tests.factories import make_key
from tests.html import SECRET
from tests.integration.security.actions import token_of
from tests.integration.security.replays import COOKIE
from tests.integration.security.snapshots import dump

PASSWORD, NEW_PASSWORD = "seven quiet foxes at noon", "eleven loud geese at dawn"
PAGES = ["/ui/keys", "/ui/keys/new", "/ui/keys?q=laptop", "/ui/account", "/ui/spend", "/ui/logout", "/ui/nothing"]
ADMIN_PAGES = ["/ui/users", "/ui/users/new", "/ui/all-keys", "/ui/all-keys?q=laptop", "/ui/users?q=dana"]
CALLS = [
    "/key/list", "/key/list?return_full_object=true", "/key/info", "/user/info", "/v2/user/info", "/user/list",
    "/user/available_roles", "/health/readiness", "/nothing",
]  # fmt: skip


class Recorder(OverHttp):
    """A connection that keeps every answer of the journey."""

    answers: list = []

    def send(self, method, path, headers, body):
        answer = super().send(method, path, headers, body)
        self.answers.append(answer)
        return answer


def in_the_cookie(page):
    """Read the session id out of Flask's readable cookie."""
    value = page.transport.jar[COOKIE]
    payload = value.lstrip(".").split(".")[0]
    content = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    content = zlib.decompress(content) if value.startswith(".") else content
    return re.search(rb'"_user_id":\s*"([^"]+)"', content)[1].decode()


def join(url, master, email, role="internal_user"):
    """Invite somebody and let them set their password in a browser; give their id, their browser and their link."""
    made = master.post("/user/new", {"user_email": email, "user_role": role}, reveals=True).json
    invited = master.post("/invitation/new", {"user_id": made["user_id"]})
    page = Browser(Recorder(url))
    page.follow(page.get(f"/ui/onboarding?id={invited.json['id']}"))
    token = page.transport.jar["selfserve_onboarding"]
    page.follow(page.submit("/ui/onboarding", password=PASSWORD))
    return made, page, {"link": invited.json["id"], "onboarding token": token}


def look_everywhere(page, door, admin, admins_door, name):
    """Open every page and make every call, with errors too."""
    for path in PAGES:
        for htmx in (False, True):
            page.get(path, htmx=htmx)
            admin.get(path, htmx=htmx)
    for path in ADMIN_PAGES:
        admin.get(path)
    for path in CALLS:
        door.get(path)
        admins_door.get(path)
    for call in (door, admins_door):
        call.get("/key/info", key=name)
        call.post("/key/update", {"key": name, "key_alias": "renamed", "max_budget": 5})
        call.post("/key/update", {"key": name, "max_budget": "x"})
        call.post("/key/block", {"key": name})
        call.post("/key/unblock", {"key": name})
        call.post("/key/generate", {"key": name})
    admins_door.get("/user/info", user_id="dana")


def test_every_secret_of_the_journey_is_in_one_answer_and_nowhere_else(serve, a_database, tmp_path):
    """S-14, S-20: two doors, two people; then every answer, every column, the log and the files."""
    Recorder.answers = []
    with serve() as server:
        master = Curl(Recorder(server.url), MASTER_KEY)
        _ada, admin, admins_links = join(server.url, master, "ada@example.com", "proxy_admin")
        dana, page, links = join(server.url, master, "dana@example.com")
        door = Curl(page.transport.__class__(server.url), dana["key"])
        page.get("/ui/keys/new")
        by_page = page.submit("/ui/keys", key_alias="laptop", may_manage="y", reveals=True)
        page.get("/ui/keys/new")
        by_htmx = page.submit("/ui/keys", key_alias="phone", htmx=True, reveals=True)
        by_curl = door.post("/key/generate", {"key_alias": "server"}, reveals=True)
        users = admin.post("/ui/users", {"emails": "eve@example.com", "role": "internal_user"} | token_of(admin))
        secrets = {
            "key of the account": dana["key"],
            "key by the page": SECRET.search(by_page.text)[0],
            "key by htmx": SECRET.search(by_htmx.text)[0],
            "key by curl": by_curl.json["key"],
            "link": links["link"],
            "admin's link": admins_links["link"],
            "link by the page": re.search(r"id=([0-9a-f-]{36})", users.text)[1],
        }
        sessions = [in_the_cookie(page), in_the_cookie(admin)]
        admins_door = Curl(Recorder(server.url), MASTER_KEY)
        for name in (secrets["key by curl"], secrets["key by the page"]):
            look_everywhere(page, door, admin, admins_door, name)
        page.get("/ui/account")
        page.submit("/ui/account/password", current_password="wrong", new_password=NEW_PASSWORD)
        page.submit("/ui/account/password", current_password=PASSWORD, new_password=NEW_PASSWORD)
        sessions.append(in_the_cookie(page))
        look_everywhere(page, door, admin, admins_door, secrets["key by htmx"])
        door.post("/key/delete", {"keys": [secrets["key by curl"], "sk-nobody"]})
        page.get("/ui/logout")
        page.submit("/ui/logout")
        wanted = [page.submit("/ui/login", username="dana@example.com", password=word).status
                  for word in (PASSWORD, NEW_PASSWORD) if page.get("/ui/login")]  # fmt: skip
        assert wanted == [422, 303]
        log = server.log.read_text()
    written = [f"{answer.headers} {answer.text}" for answer in Recorder.answers]
    assert len(written) > 100
    for name, secret in secrets.items():
        assert sum(secret in each for each in written) == 1, name
    kept = [*secrets.values(), *sessions, links["onboarding token"], PASSWORD, NEW_PASSWORD, MASTER_KEY, SECRET_KEY]
    for secret in [*sessions, PASSWORD, NEW_PASSWORD, MASTER_KEY, SECRET_KEY]:
        assert not [each for each in written if secret in each]
    columns = str(dump(a_database))
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert '"route": "/ui/onboarding"' in log
    for secret in kept:
        assert secret not in columns
        assert secret not in log
        assert secret.encode() not in files


def test_the_answer_with_the_secret_is_kept_by_no_cache(browser, curl, mia):
    """S-14: neither by a proxy nor by htmx's history."""
    page, door = browser(mia), curl(mia)
    page.get("/ui/keys/new")
    shown = page.submit("/ui/keys", key_alias="laptop", reveals=True)
    assert (shown.status, shown.headers["cache-control"]) == (201, "no-store")
    assert 'hx-history="false"' in shown.text
    assert '"historyCacheSize": 0' in shown.text
    assert door.post("/key/generate", {}, reveals=True).headers["cache-control"] == "no-store"
    assert "location" not in shown.headers


@pytest.mark.parametrize(
    "custom", [None, "sk-Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0Fe9Dc8", "sk-ant-Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0Fe9"]
)
def test_afterwards_a_key_shows_four_characters_of_its_secret(browser, curl, ada, custom):
    """S-15: a fixed prefix and the last four, on pages and by curl, also of a key that somebody brought."""
    key = make_key(ada, "laptop", **({"secret": custom} if custom else {}))
    page, door = browser(ada), curl(ada)
    seen = [page.get("/ui/keys"), page.get("/ui/all-keys"), page.get(f"/ui/keys/{key.row.id}/delete")]
    seen += [door.get("/key/info", key=key.row.id), door.get("/key/list", return_full_object="true", size=100)]
    body = key.secret.removeprefix("sk-ss_").removeprefix("sk-")
    for answer in seen:
        assert key.secret[-4:] in answer.text
        pieces = [body[at : at + 5] for at in range(len(body) - 4)]
        assert not [piece for piece in pieces if piece in answer.text.replace(key.row.token, "")]


def test_a_refused_key_is_not_repeated(curl, app):
    """S-14, S-15: the documented message has the tail and no more."""
    secret = "sk-an-unknown-key-0123456789-abcdWXYZ"
    answer = curl(secret).get("/key/info")
    assert (answer.status, "sk-...WXYZ" in answer.text) == (401, True)
    assert "abcd" not in answer.text


def test_what_was_typed_into_the_search_field_is_no_address_that_stays(browser, ada):
    """S-14: who searches by pasting a whole key finds it, and the page does not write it back."""
    key, page = make_key(ada, "laptop"), browser(ada)
    for path in ("/ui/keys", "/ui/all-keys"):
        for htmx in (False, True):
            answer = page.get(f"{path}?q={key.secret}", htmx=htmx)
            assert f"key-{key.row.id}" in answer.text
            assert key.secret not in answer.text + str(answer.headers)
    assert key.secret not in page.get(f"/ui/users?q={key.secret}").text


def test_a_cookie_is_all_that_a_login_answers(curl, mia):
    """S-9, S-14: no token in a body, whichever way."""
    answer = curl().post("/v2/login", {"username": mia.email, "password": "a calm river before sunrise"})
    cookie = next(SimpleCookie(each)[COOKIE].value for each in answer.cookies)
    assert set(answer.json) == {"redirect_url"}
    assert cookie not in answer.text
