"""The page that shows the API to people, and what it is made from."""

import json
import re

import pytest

from tests.application import MASTER_KEY, SECRET_KEY
from tests.clients import Browser, InProcess
from tests.html import SECRET
from tests.openapi import the_document


def test_without_scripts_it_lists_every_call(browser):
    page = browser().get("/docs")
    assert page.status == 200
    described = the_document()["paths"].items()
    listed = {" ".join(element.itertext()) for element in page.html.all("code")}
    assert listed == {f"{method.upper()} {path}" for path, methods in described for method in methods}


def test_it_is_the_same_for_everybody(browser, mia):
    assert browser(mia).get("/docs").text == browser().get("/docs").text


def test_only_there_may_a_picture_come_from_a_data_address(browser):
    """S-29: the viewer's icons are in its stylesheet; all else of the policy is as everywhere."""
    here = browser().get("/docs").headers["content-security-policy"]
    elsewhere = browser().get("/ui/login").headers["content-security-policy"]
    assert "img-src 'self' data:;" in here
    assert here.replace(" data:", "") == elsewhere


def test_a_wrong_method_is_refused_as_a_page(browser):
    answer = browser().post("/docs", {})
    assert answer.status == 405
    assert "<h1" in answer.text


def test_a_slash_at_its_end_does_no_harm(browser):
    assert browser().get("/docs/").text == browser().get("/docs").text


@pytest.mark.parametrize("path", ["/docs/x", "/DOCS", "/docs//"])
def test_there_is_nothing_beside_it(curl, path):
    assert curl().get(path).status == 404


def test_under_a_prefix_every_address_is_under_it(app_with):
    page = Browser(InProcess(app_with(server_root_path="/llm/keys"))).get("/llm/keys/docs")
    assert page.status == 200
    addresses = re.findall(r'(?:href|src|data-url)="([^"]+)"', page.text)
    assert "/llm/keys/openapi.json" in addresses
    assert [address for address in addresses if not address.startswith("/llm/keys/")] == []


def test_the_description_holds_nothing_of_this_installation(app_with):
    """S-26: whatever the settings, it is the same."""
    house = app_with(
        selfserve_organization="Acme Corp",
        email_support_contact="help@acme.example",
        proxy_base_url="https://keys.acme.example",
        selfserve_gateway_url="https://llm.acme.example",
        proxy_logout_url="https://out.acme.example",
    )
    text = house.test_client().get("/openapi.json").text
    assert json.loads(text) == the_document()
    assert not re.search(r"acme|sqlite|postgres|flask|werkzeug|swagger", text, re.IGNORECASE)
    assert MASTER_KEY not in text
    assert SECRET_KEY not in text
    assert not SECRET.search(text)
