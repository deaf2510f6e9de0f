"""Two processes on one database: who leaves for the provider from one comes back to the other."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clients import Browser, OverHttp
from tests.integration.sso.journeys import path_of, visit
from tests.provider import CLIENT_ID, CLIENT_SECRET, identity_provider

PUBLIC = "http://keys.example.com"


@pytest.fixture
def two(serve):
    """Two servers of one process each, which know one provider and one public address."""
    with identity_provider() as idp:
        told = {"SELFSERVE_SSO_ISSUER": idp.url, "SELFSERVE_SSO_CREATE_USERS": "true", "PROXY_BASE_URL": PUBLIC}
        told |= {"GENERIC_CLIENT_ID": CLIENT_ID, "GENERIC_CLIENT_SECRET": CLIENT_SECRET, "SELFSERVE_WORKERS": "1"}
        with serve(**told) as one, serve(**told) as other:
            yield one.url, other.url


def sign_in(number, here, there):
    """Leave from one process and come back to the other; tell what it says, and what both say to who is in."""
    page = Browser(OverHttp(here))
    back = visit(f"{page.get('/ui/sso').location}&login_hint=person-{number}")
    assert back.startswith(f"{PUBLIC}/sso/callback?")
    elsewhere = Browser(OverHttp(there))
    elsewhere.transport.jar = dict(page.transport.jar)
    answer = elsewhere.get(path_of(back))
    page.transport.jar = elsewhere.transport.jar
    return answer.status, *(one.get("/ui/account").status for one in (page, elsewhere))


def test_a_hundred_sign_ins_over_two_processes_are_a_hundred(two):
    """S-23: nothing of a sign-in is in the memory of a process (litellm PR #20314)."""
    with ThreadPoolExecutor(10) as pool:
        done = list(pool.map(lambda number: sign_in(number, *two[:: 1 if number % 2 else -1]), range(100)))
    assert [told for told in done if told != (303, 200, 200)] == []
