"""What a sign-in through a provider refuses: each attack is sent for real, and nobody gets in (S-21 to S-25)."""

import base64
import json
import time
from datetime import timedelta
from urllib.parse import urlencode

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from selfserve.clock import now
from selfserve.models import AuditEvent, Session, User
from selfserve.sso import keys, metadata
from selfserve.sso import providers as sso_providers
from tests.factories import PASSWORD, change, make_invitation, make_key, make_reset, make_user, reload, rows
from tests.integration.sso.journeys import path_of, query_of, visit
from tests.provider import CLIENT_ID, CLIENT_SECRET, MIA, signing_key


@pytest.fixture
def bound(door, idp):
    """Mia, as she signed in through the provider before."""
    return make_user("Mia", sso_issuer=idp.url, sso_subject=MIA["sub"])


def refused(door, answer, reason, status=403):
    """See that somebody was told why, with the request's id, that it is written down, and that nobody is in."""
    assert answer.status == status
    request_id = answer.headers["x-request-id"]
    assert request_id in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    told = door.refusal()
    assert (told["method"], told["reason"]) == ("sso", reason)
    assert request_id in [event.request_id for event in rows(AuditEvent)]
    assert rows(Session) == []
    return told


# -- what comes back to the browser ---------------------------------------------------------------------------


def test_a_way_back_works_once(door, bound, idp):
    """S-23: a state that was used is used up."""
    page = door.browser()
    back, word = door.way_back(page), page.transport.client.get_cookie("selfserve_sso").value
    assert page.get(back).status == 303
    page.transport.client.set_cookie("selfserve_sso", word)
    before = idp.seen.count("/token")
    answer = page.get(back)
    assert answer.status == 400
    assert "Begin again" in answer.text
    assert idp.seen.count("/token") == before


def test_a_way_back_works_in_the_browser_that_began_it_only(door, bound):
    """S-23: who is sent a link by somebody else is not signed in as them (litellm#26944); the state is not burnt."""
    page, victim = door.browser(), door.browser()
    back = door.way_back(page)
    for stranger in (victim, door.browser()):
        refused(door, stranger.get(back), "state", 400)
        door.way_there(victim)
    assert page.get(back).status == 303


@pytest.mark.parametrize("query", ["", "code=x", "state=", "state=generic.made-up&code=x", "state=%00&code=x"])
def test_a_way_back_that_nobody_went_is_refused(door, query):
    """S-23."""
    page = door.browser()
    door.way_there(page)
    refused(door, page.get(f"/sso/callback?{query}"), "state", 400)


def test_ten_minutes_are_the_longest_way(door, bound):
    """S-23."""
    page = door.browser()
    back = door.way_back(page)
    with time_machine.travel(now() + timedelta(minutes=10, seconds=1), tick=False):
        refused(door, page.get(back), "state", 400)


@pytest.mark.any_database
@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/ui", r"\\evil.example", "https:evil.example", "/ui//evil.example",
     "/ui/keys\r\nSet-Cookie: a=b", "javascript:alert(1)", "/user/list", "/ui\\@evil.example"],
)  # fmt: skip
def test_nobody_is_sent_elsewhere_afterwards(door, bound, target):
    """S-23: what is no page of ours leads home."""
    assert door.sign_in(next=target).location == "/ui/keys"


def test_a_code_of_another_client_or_of_another_sign_in_buys_nothing(door, bound, idp):
    """S-24: the provider binds a code to its client, S-23: and to the verifier that only we know."""
    for stolen in ({"client_id": "another-app"}, {"code_challenge": "of-another-sign-in"}):
        page = door.browser()
        asked = query_of(door.way_there(page)) | stolen
        back = visit(f"{idp.url}/authorize?{urlencode(asked)}")
        refused(door, page.get(path_of(back)), "code")


@pytest.mark.any_database
@pytest.mark.parametrize("said", ["access_denied", "<script>alert(1)</script>"])
def test_what_the_provider_says_instead_is_told_and_never_believed(door, idp, said):
    """S-27."""
    idp.be(error=said)
    answer = door.sign_in()
    refused(door, answer, "cancelled")
    assert "Acme SSO signed nobody in" in answer.html.words()
    assert "<script>alert" not in answer.text


def test_an_answer_that_names_another_issuer_is_not_ours(door, bound, idp):
    """S-24: RFC 9207, so that one provider cannot pass its codes off as another's."""
    idp.be(iss="https://another.example")
    refused(door, door.sign_in(), "token")
    idp.be(iss=idp.url)
    assert door.sign_in().status == 303


# -- the ID token ---------------------------------------------------------------------------------------------


def part(content):
    """Write a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def unsigned(claims, algorithm="none"):
    """A token without a signature."""
    return f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': 'first'})}.{part(claims)}."


def signed_by_the_public_key(claims):
    """A token signed by HMAC with what everybody knows: the public key as PEM."""
    pem = signing_key("first").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'first'})}.{part(claims)}"
    hmac = jwt.get_algorithm_by_name("HS256")
    prepared = pem  # PyJWT itself would not take a PEM for a secret
    return f"{head}.{base64.urlsafe_b64encode(hmac.sign(head.encode(), prepared)).rstrip(b'=').decode()}"


def by_a_foreign_key(claims):
    """A token of the right shape and key id, signed by another key."""
    return jwt.encode(claims, signing_key("foreign"), "RS256", headers={"kid": "first"})


def changed(**changes):
    """A token that its key signs, with other claims; None leaves one out."""
    return lambda idp: lambda claims: idp.sign(
        {name: value for name, value in (claims | {n: v(idp) if callable(v) else v for n, v in changes.items()}).items()
         if value is not None}
    )  # fmt: skip


def plain(make):
    """A token that is made without the provider."""
    return lambda _idp: make


LIES = {
    "another audience": (changed(aud="another-app"), "made for another application"),
    "among others, for another": (changed(aud=["selfserve", "another-app"]), "made for another application"),
    "another authorized party": (changed(azp="another-app"), "made for another application"),
    "another issuer": (changed(iss="https://evil.example"), "comes from another issuer"),
    "an issuer that begins alike": (changed(iss=lambda idp: idp.url + ".evil.example"), "comes from another issuer"),
    "no signature": (plain(unsigned), "not signed in a way that is accepted"),
    "no signature, otherwise spelt": (plain(lambda claims: unsigned(claims, "NonE")), "not signed in a way"),
    "signature cut off": (lambda idp: lambda claims: idp.sign(claims).rpartition(".")[0] + ".", "signature is wrong"),
    "public key as secret": (plain(signed_by_the_public_key), "not signed in a way that is accepted"),
    "a foreign key": (plain(by_a_foreign_key), "signature is wrong"),
    "an unknown key": (lambda idp: lambda claims: idp.sign(claims, kid="unknown"), "by an unknown key"),
    "expired": (changed(exp=lambda _: int(time.time()) - 61), "has expired"),
    "without an end": (changed(exp=None), "a part of it is missing"),
    "not valid yet": (changed(nbf=lambda _: int(time.time()) + 90), "is not valid yet"),
    "another sign-in's": (changed(nonce="of-another"), "belongs to another sign-in"),
    "no nonce": (changed(nonce=None), "belongs to another sign-in"),
    "nobody": (changed(sub=None), "a part of it is missing"),
    "nobody's name": (changed(sub=" "), "says not who signed in"),
    "a long name": (changed(sub="x" * 256), "says not who signed in"),
    "no token": (plain(lambda _: None), "says not who signed in"),
    "a list": (plain(lambda _: ["eyJ"]), "says not who signed in"),
    "nonsense": (plain(lambda _: "not.a.token"), "is not well formed"),
    "very long": (plain(lambda _: "e" * 50_001), "says not who signed in"),
}


@pytest.mark.any_database
@pytest.mark.parametrize(("lie", "why"), LIES.values(), ids=list(LIES))
def test_an_id_token_that_lies_signs_nobody_in(door, bound, idp, lie, why):
    """S-24."""
    idp.be(token=lie(idp))
    answer = door.sign_in()
    refused(door, answer, "token")
    assert "What Acme SSO sent cannot be trusted: " in answer.html.words()
    assert why in answer.html.words()


@pytest.mark.any_database
@pytest.mark.parametrize(("key", "algorithm", "status"), [("es", "ES256", 303), ("first", "PS256", 403)])
def test_a_key_signs_by_the_algorithm_that_it_was_published_for(door, bound, idp, key, algorithm, status):
    """S-24."""
    idp.be(published=(key,), token=lambda claims: jwt.encode(claims, signing_key(key), algorithm, headers={"kid": key}))
    assert door.sign_in().status == status


@pytest.mark.any_database
def test_a_new_key_is_asked_for_and_made_up_ones_make_nobody_ask_more_than_twice_a_minute(door, bound, idp):
    """S-24: keys are kept by issuer and key id."""
    assert door.sign_in().status == 303
    assert door.sign_in().status == 303
    assert idp.seen.count("/keys") == 1
    idp.be(token=lambda claims: idp.sign(claims, kid="made-up"))
    for _ in range(3):
        assert door.sign_in().status == 403
    assert idp.seen.count("/keys") == 1
    keys._rings[idp.url].asked -= keys.PAUSE_SECONDS
    idp.be(key="second", published=("first", "second"))
    assert door.sign_in().status == 303
    assert idp.seen.count("/keys") == 2


@pytest.mark.any_database
def test_the_two_answers_of_a_provider_are_about_one_person(door, bound, idp):
    """S-24: OpenID Connect Core 5.3.2."""
    idp.be(claims={"sub": MIA["sub"]}, told_apart={"sub": "somebody-else", "email": "otto@example.com"})
    refused(door, door.sign_in(), "token")


# -- whose account --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [False, None, "yes", 1, "false"])
def test_an_address_that_nobody_vouches_for_opens_no_account(door, idp, said):
    """S-21: litellm#36942, CVE-2026-33175. The same answer whether there is an account or not."""
    idp.know(email_verified=said)
    without = door.sign_in()
    refused(door, without, "unverified")
    mia = make_user("Mia", password=None)
    make_invitation(mia)
    answer = door.sign_in()
    assert answer.html.words().replace(answer.headers["x-request-id"], "") == without.html.words().replace(
        without.headers["x-request-id"], "")  # fmt: skip
    assert reload(mia).sso_subject is None


@pytest.mark.parametrize("lookalike", ["\uff4dia@example.com", "mia@\uff45xample.com", "m\u2139a@example.com"])
def test_an_address_that_only_becomes_mias_when_it_is_folded_is_not_hers(door, idp, lookalike):
    """S-21, S-48: to the provider it is another mailbox, whose owner is somebody else."""
    mia = make_user("Mia", password=None)
    make_invitation(mia)
    idp.know(email=lookalike)
    refused(door, door.sign_in(), "unverified")
    assert not reload(mia).is_bound


def test_a_provider_is_trusted_by_a_setting_but_not_against_its_own_word(portal, idp):
    """S-21."""
    door = portal(selfserve_sso_trusted_emails="generic")
    mia = make_user("Mia", password=None)
    make_invitation(mia)
    idp.know(email_verified=False)
    refused(door, door.sign_in(), "unverified")
    idp.know(email_verified=None)
    assert door.sign_in().status == 303
    assert reload(mia).sso_subject == MIA["sub"]


@pytest.mark.parametrize(
    ("hd", "email", "is_in"),
    [
        (None, "mia@example.com", False),
        ("evil.example", "mia@example.com", False),
        (["example.com"], "mia@example.com", False),
        ("", "mia@example.com", False),
        ("example.com", "mia@sub.example.com", False),
        ("Example.com", "mia@example.com", True),
        (None, "mia@gmail.com", True),
        (None, "mia@gmail.com.evil.example", False),
    ],
)
def test_google_vouches_only_for_mailboxes_that_it_keeps(portal, idp, monkeypatch, hd, email, is_in):
    """S-21: a private account with a company's address is verified there for ever, also when its owner left."""
    monkeypatch.setattr(sso_providers, "_GOOGLE", idp.url)
    door = portal(google_client_id=CLIENT_ID, google_client_secret=CLIENT_SECRET)
    mia = make_user("Mia", email=email, password=None)
    make_invitation(mia)
    idp.know(email=email, hd=hd)
    answer = door.sign_in(provider="google")
    assert (answer.status, reload(mia).is_bound) == (303 if is_in else 403, is_in)
    assert is_in or "Google does not host mail of this domain." in answer.html.words()


def test_a_second_account_with_the_same_address_is_not_the_first(door, bound, idp):
    """S-22: a row that is bound stays bound, and it is written down."""
    idp.know(sub="a-second-mia")
    make_invitation(bound)
    told = refused(door, door.sign_in(), "bound")
    assert (told["who"], told["account"]) == ("mia", "mia@example.com")
    assert reload(bound).sso_subject == MIA["sub"]


def test_the_same_name_at_another_provider_is_somebody_else(door, idp):
    """S-22: a person is issuer and subject together."""
    make_user("Mia", sso_issuer="https://another.example", sso_subject=MIA["sub"])
    refused(door, door.sign_in(), "bound")


def test_a_changed_address_moves_nobody_into_another_account(door, bound, idp):
    """S-22: who is bound is known by their subject; what address they have now opens nothing."""
    otto = make_user("Otto", password=None)
    idp.know(email="otto@example.com")
    assert door.sign_in().status == 303
    assert [session.user_pk for session in rows(Session)] == [bound.id]
    assert (reload(otto).sso_subject, reload(bound).email) == (None, "mia@example.com")


def test_who_has_a_password_and_no_invitation_is_told_that_it_works(door, mia):
    assert "Sign in with your password, or ask an admin" in door.sign_in().text


def test_an_admin_is_linked_by_an_open_invitation_only(door):
    """S-21: CVE-2026-41574."""
    ada = make_user("Mia", role="proxy_admin", password=None)
    told = refused(door, door.sign_in(), "not_invited")
    assert told["who"] == "mia"
    expired = make_invitation(ada, lasts=timedelta(seconds=-1))
    refused(door, door.sign_in(), "not_invited")
    change(expired.row, ended_at=now())
    make_invitation(ada)
    assert door.sign_in().status == 303


def test_who_is_blocked_or_was_never_invited_is_told_so(door, idp):
    """S-37, S-20b: they proved that the address is theirs, and learn nothing of others'."""
    told = refused(door, door.sign_in(), "unknown")
    assert (told["who"], told["account"]) == (None, "mia@example.com")
    rex = make_user("Rex", is_blocked=True, password=None)
    idp.know(email="rex@example.com")
    refused(door, door.sign_in(), "blocked")
    assert reload(rex).sso_subject is None
    change(rex, sso_issuer=idp.url, sso_subject=MIA["sub"])
    answer = door.sign_in()
    assert refused(door, answer, "blocked")["who"] == "rex"
    assert "Acme SSO let you in, we cannot" in answer.html.words()


@pytest.mark.parametrize(
    ("email", "status"),
    [("mia@example.com", 303), ("mia@EXAMPLE.com", 303), ("mia@sub.example.com", 403), ("mia@notexample.com", 403),
     ("mia@example.com.evil.example", 403), ("mia@example.org", 403)],
)  # fmt: skip
def test_domains_are_compared_whole(portal, idp, email, status):
    door = portal(allowed_email_domains="Example.com, acme.example", selfserve_sso_create_users=True)
    idp.know(email=email)
    answer = door.sign_in()
    assert answer.status == status
    if status == 403:
        refused(door, answer, "domain")
        assert "Only addresses of acme.example, example.com may sign in." in answer.html.words()
        assert [user for user in rows(User) if not user.is_reserved] == []


@pytest.mark.any_database
@pytest.mark.parametrize("email", [None, "", "not an address", "mіa@example.com", 5])
def test_without_an_address_there_is_no_first_time(door, idp, email):
    """S-48: an address with look-alike letters is none."""
    idp.know(email=email)
    refused(door, door.sign_in(), "no_address")


def test_who_vouches_for_an_address_names_it_too(door, idp):
    """S-21: `email_verified` of one answer is not about the address of the other."""
    make_invitation(make_user("Mia", password=None))
    told_apart = {"email": "mia@example.com", "email_verified": False}
    idp.be(claims={"sub": MIA["sub"], "email_verified": True}, told_apart=told_apart)
    refused(door, door.sign_in(), "unverified")
    idp.be(claims={"sub": MIA["sub"], "email": None, "email_verified": True}, told_apart=told_apart)
    refused(door, door.sign_in(), "unverified")
    idp.be(claims={"sub": MIA["sub"], "email_verified": False}, told_apart=told_apart | {"email_verified": True})
    assert door.sign_in().status == 303


# -- roles ----------------------------------------------------------------------------------------------------

MAPPED = {
    "generic_role_mappings_roles": '{"proxy_admin": ["llm-admins"], "internal_user_viewer": ["guests", "auditors"]}',
    "generic_user_role_attribute": "realm_access.roles",
}


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"groups": ["llm-admins"]}, "proxy_admin"),
        ({"groups": ["guests", "llm-admins"]}, "proxy_admin"),
        ({"groups": "guests"}, "internal_user_viewer"),
        (
            {"realm_access": {"roles": ["proxy_admin_viewer", "offline_access"]}, "groups": ["guests"]},
            "proxy_admin_viewer",
        ),
        ({"realm_access": {"roles": "internal_user_viewer"}, "groups": ["llm-admins"]}, "proxy_admin"),
        ({}, "internal_user"),
        ({"groups": None}, "internal_user"),
        ({"groups": []}, "internal_user"),
        ({"groups": ["LLM-admins", "llm-admins-emea", "llm-*", "*", ""]}, "internal_user"),
        ({"groups": {"llm-admins": True}}, "internal_user"),
        ({"realm_access": {"roles": ["Proxy_Admin", "admin", "root", "proxy_admin "]}}, "internal_user"),
        ({"realm_access": ["proxy_admin"], "role": "proxy_admin"}, "internal_user"),
        ({"_claim_names": {"groups": "src1"}}, "internal_user"),
    ],
)
def test_the_claims_decide_and_the_highest_wins(portal, idp, claims, role):
    """S-25: what is missing, empty or unknown gives the default; nothing is matched in part."""
    door = portal(**MAPPED)
    make_user("Ada", role="proxy_admin")
    mia = make_user("Mia", role="proxy_admin", sso_issuer=idp.url, sso_subject=MIA["sub"])
    idp.know(**claims)
    assert door.sign_in().status == 303
    assert reload(mia).role == role


def test_a_role_that_is_taken_away_ends_what_it_opened(portal, idp):
    """S-9, S-25: CVE-2026-109283. It is written down with before and after."""
    door = portal(**MAPPED)
    make_user("Ada", role="proxy_admin")
    make_user("Mia", sso_issuer=idp.url, sso_subject=MIA["sub"])
    first, second = door.browser(), door.browser()
    idp.know(groups=["llm-admins"])
    door.sign_in(first)
    assert first.get("/ui/users").status == 200
    idp.know()
    door.sign_in(second)
    assert first.get("/ui/users").status == 303
    assert second.get("/ui/users").status == 403
    event = [event for event in rows(AuditEvent) if event.action == "user.updated"][-1]
    assert (event.before["role"], event.after["role"], event.actor_user_id) == ("proxy_admin", "internal_user", "mia")


def test_the_last_admin_is_not_taken_away_and_does_not_get_in_either(portal, idp):
    """S-43, S-25."""
    door = portal(**MAPPED)
    mia = make_user("Mia", role="proxy_admin", sso_issuer=idp.url, sso_subject=MIA["sub"])
    refused(door, door.sign_in(), "last_admin")
    assert reload(mia).role == "proxy_admin"


def test_without_a_mapping_no_claim_gives_anything(door, bound, idp):
    """S-25: roles are the admins' then."""
    change(bound, role="internal_user_viewer")
    idp.know(groups=["proxy_admin"], role="proxy_admin", roles=["proxy_admin"])
    assert door.sign_in().status == 303
    assert reload(bound).role == "internal_user_viewer"


# -- the provider is away -------------------------------------------------------------------------------------


def test_while_the_provider_is_away_nobody_gets_in_and_all_is_said_plainly(door, bound, idp, curl, ada):
    """S-44: 503, on the way there and on the way back; other ways in stay open."""
    page = door.browser()
    back = door.way_back(page)
    idp.be(status=503)
    answer = page.get(back)
    assert (answer.status, rows(Session)) == (503, [])
    assert "Acme SSO cannot be reached as it should right now." in answer.html.words()
    assert answer.headers["x-request-id"] in answer.text
    assert door.refusal() == {
        "who": None, "method": "sso", "provider": "Acme SSO", "reason": "away", "why": "It answered 503."}  # fmt: skip
    metadata._kept.clear()
    assert door.browser().get("/ui/sso").status == 503
    assert curl(ada).get("/sso/readiness").status == 503


@pytest.mark.any_database
@pytest.mark.parametrize(
    "document",
    [{"issuer": "https://evil.example"}, {"issuer": None}, {"jwks_uri": "file:///etc/passwd"}, {"token_endpoint": ""},
     {"authorization_endpoint": 5}, {"authorization_endpoint": "javascript:alert(1)"}],
)  # fmt: skip
def test_what_a_provider_publishes_about_itself_is_not_believed_blindly(door, idp, document):
    """S-24, S-34."""
    idp.be(document=document)
    assert door.browser().get("/ui/sso").status == 503


@pytest.mark.parametrize("what", ["never invited", "revoked", "expired"])
def test_nobody_is_linked_without_an_open_invitation(door, idp, what):
    """S-21, S-22: neither do links that ended."""
    mia = make_user("Mia", password=None)
    if what != "never invited":
        invitation = make_invitation(mia)
    if what == "revoked":
        change(invitation.row, ended_at=now())
    if what == "expired":
        change(invitation.row, expires_at=now())
    refused(door, door.sign_in(), "not_invited")


def test_what_opened_an_account_before_it_was_linked_opens_nothing_and_keys_and_spend_stay(door, browser, curl):
    """S-10: sessions, links and the password of before end."""
    mia = make_user("Mia", window_spend=7, total_spend=9)
    thief, key, reset, invitation = browser(mia), make_key(mia).secret, make_reset(mia)[0], make_invitation(mia).secret
    door.sign_in(door.browser())
    assert not reload(mia).has_password
    assert thief.get("/ui/keys").status == 303
    assert curl().post("/v2/login", {"username": mia.email, "password": PASSWORD}).status == 401
    for dead in (f"/ui/reset?id={reset}", f"/ui/onboarding?id={invitation}"):
        assert browser().get(dead).status == 410
    asked = curl(key).get("/key/info")
    assert (asked.status, reload(mia).window_spend, reload(mia).total_spend) == (200, 7, 9)


def test_who_takes_a_colleagues_address_on_the_onboarding_page_gets_no_more_than_it(portal, idp, browser, ada):
    """S-21: nobody proved the address, so the provider's word about it opens nothing, and Ada sees how it came."""
    door, otto = portal(selfserve_sso_create_users=True), make_user("Otto", email=None, password=None)
    make_user("Ina", email="ina@example.com", sso_issuer=idp.url, sso_subject="ina-at-work")
    page = browser()
    page.follow(page.get(f"/ui/onboarding?id={make_invitation(otto).secret}"))
    for whose in ("ina@example.com", "INA@example.com", "Ｉna@example.com", ada.email):
        assert page.submit("/ui/onboarding", email=whose, password="seven quiet foxes at noon").status in (409, 422)
    assert page.submit("/ui/onboarding", email=MIA["email"], password="seven quiet foxes at noon").status == 303
    refused_for = door.sign_in()
    assert (refused_for.status, door.refusal()["reason"], reload(otto).is_bound) == (403, "not_invited", False)
    shown = browser(ada).get(f"/ui/users/{otto.id}").html.words()
    assert "took the address mia@example.com, which nobody confirmed" in shown


@pytest.mark.any_database
@pytest.mark.parametrize("claim", ["email", "preferred_username", "profile.upn", ""])
def test_a_claim_that_can_change_names_nobody(portal, claim):
    """S-22: whoever takes over an address or a name there would take over the account here."""
    with pytest.raises(ValidationError, match="never changes"):
        portal(generic_user_id_attribute=claim)
