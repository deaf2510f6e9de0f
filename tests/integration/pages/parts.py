"""Reading an answer as the eye or as htmx does: its rows, its toast, what is swapped where."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

from tests.clients import Answer, Browser

OF_THE_SHELL = ("/ui/logout", "/ui/account/appearance")


@dataclass
class Fragment:
    """What htmx is given: one root, and what goes elsewhere, by the id of the place."""

    root: ET.Element | None
    beside: dict[str, ET.Element]

    @property
    def id(self) -> str | None:
        return None if self.root is None else self.root.get("id")


def fragment(answer: Answer) -> Fragment:
    """Take a fragment apart; there is one root at most, and each place is written to once."""
    assert answer.html.is_fragment, answer.text[:200]
    roots, beside = [], {}
    for element in answer.html.tree:
        swap = element.get("hx-swap-oob")
        if swap is None:
            roots.append(element)
            continue
        place = element.get("id") if swap == "true" else swap.partition(":#")[2]
        assert place not in beside, f"#{place} twice"
        beside[place] = element
    assert len(roots) <= 1, [root.get("id") for root in roots]
    return Fragment(roots[0] if roots else None, beside)


def words(element: ET.Element | None) -> str:
    """The text a person reads in a part of a page."""
    return "" if element is None else " ".join(" ".join(element.itertext()).split())


def found(answer: Answer, name: str) -> ET.Element | None:
    """Find a part of an answer by its id."""
    return next((element for element in answer.html.tree.iter() if element.get("id") == name), None)


def toast(answer: Answer) -> str:
    """What is said at the edge of the screen, on a page and beside a fragment alike."""
    return words(fragment(answer).beside.get("flash") if answer.html.is_fragment else found(answer, "flash"))


def count(answer: Answer) -> str:
    """What is said of how many there are."""
    return words(fragment(answer).beside.get("count") if answer.html.is_fragment else found(answer, "count"))


def table(answer: Answer) -> dict[str, ET.Element]:
    """The rows of the list, in order, by what stands first in their first cell."""
    body = [row for element in answer.html.all("tbody") for row in element.iter("tr")]
    listed = {words(next(iter(row.iter("th")))).split(" sk-")[0]: row for row in body}
    assert len(listed) == len(body), "two rows alike"
    return listed


def link(answer: Answer, text: str) -> str | None:
    """Where the link with these words leads."""
    return next((a.get("href") for a in answer.html.all("a") if words(a) == text), None)


def errors(answer: Answer) -> dict[str, str]:
    """What is wrong with each field, as the page says it."""
    said = {element.get("id"): words(element) for element in answer.html.all("p") if element.get("class") == "error"}
    return {name.removesuffix("-error"): sentence for name, sentence in said.items()}


def typed(answer: Answer, action: str) -> dict[str, str]:
    """What stands in the form that posts there."""
    return next(form.fields for form in answer.html.forms if form.action.split("?")[0] == action)


def query(address: str) -> dict[str, str]:
    """The filters that stand in an address."""
    return dict(parse_qsl(urlsplit(address).query))


def writes(answer: Answer) -> list[str]:
    """Where the forms of an answer write to, but for the menu of the shell, which everybody has."""
    return [form.action for form in answer.html.forms if form.method == "post" and form.action not in OF_THE_SHELL]


def walk(page: Browser, path: str, *, htmx: bool = False) -> list[list[str]]:
    """Follow "Next" to the end; give the names on each page."""
    pages = []
    while path:
        answer = page.get(path, htmx=htmx)
        assert answer.status == 200
        pages.append([*table(answer)])
        path = link(answer, "Next")
    return pages
