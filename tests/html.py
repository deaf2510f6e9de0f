"""What must be true of every piece of HTML that Selfserve sends."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import html5lib

SECRET = re.compile(r"sk-ss_[0-9A-Za-z]{36,}")
UNLABELLED = {"hidden", "submit", "button", "reset", "image"}


@dataclass
class Form:
    """A form as a browser sees it."""

    action: str
    method: str
    fields: dict[str, str]


@dataclass
class Html:
    """A page, or the fragment of one."""

    text: str
    is_fragment: bool
    faults: list[str] = field(default_factory=list)

    @cached_property
    def tree(self) -> ET.Element:
        """The parsed HTML; the parser is strict, so broken markup is an error here."""
        parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), strict=True, namespaceHTMLElements=False)
        if not self.is_fragment:
            return parser.parse(self.text)
        begins = re.match(r"\s*<(tr|tbody)[\s>]", self.text)
        return parser.parseFragment(
            self.text, container={"tr": "tbody", "tbody": "table"}[begins[1]] if begins else "div"
        )

    def all(self, *tags: str) -> list[ET.Element]:
        """Find all elements of these tags, in the order of the page."""
        return [element for element in self.tree.iter() if element.tag in tags]

    @cached_property
    def forms(self) -> list[Form]:
        """All forms with the values they would send as they stand."""
        return [
            Form(form.get("action", ""), form.get("method", "get").lower(), dict(fields_of(form)))
            for form in self.all("form")
        ]

    def words(self) -> str:
        """The text a person reads."""
        return " ".join(" ".join(self.tree.itertext()).split())

    def check(self) -> None:
        """Assert everything at once, so that one run names all faults."""
        if not self.is_fragment:
            self._one("title")
            self._one("h1")
            self._one("main")
            self._is(self.tree.get("lang"), "<html> says no language")
        self._ids_are_unique()
        self._fields_have_labels()
        self._forms_carry_a_token()
        self._nothing_is_inline()
        assert not self.faults, "\n".join([*self.faults, self.text])

    def _is(self, truth: object, fault: str) -> None:
        if not truth:
            self.faults.append(fault)

    def _one(self, tag: str) -> None:
        found = [element for element in self.all(tag) if "".join(element.itertext()).strip()]
        self._is(len(found) == 1, f"{len(found)} <{tag}> with words in it, not one")

    def _ids_are_unique(self) -> None:
        ids = [element.get("id") for element in self.tree.iter() if element.get("id")]
        self._is(len(ids) == len(set(ids)), f"an id twice: {sorted(i for i in set(ids) if ids.count(i) > 1)}")

    def _fields_have_labels(self) -> None:
        labelled = {label.get("for") for label in self.all("label")}
        wrapped = {child for label in self.all("label") for child in label.iter()}
        for element in self.all("input", "select", "textarea"):
            if element.get("type") in UNLABELLED:
                continue
            named = element.get("aria-label") or element.get("aria-labelledby")
            self._is(
                named or element.get("id") in labelled or element in wrapped,
                f"no label: {ET.tostring(element)[:120]}",
            )
        for button in self.all("button", "a"):
            words = "".join(button.itertext()).strip() or button.get("aria-label") or button.get("title")
            self._is(words, f"no name: {ET.tostring(button)[:120]}")

    def _forms_carry_a_token(self) -> None:
        for form in self.forms:
            self._is(form.method in ("get", "post"), f"a form with method {form.method}")
            self._is(
                form.method == "get" or form.fields.get("csrf_token"),
                f"no csrf_token in the form to {form.action}",
            )
            self._is(
                form.method == "post" or "csrf_token" not in form.fields,
                f"a token leaks into the address of {form.action}",
            )

    def _nothing_is_inline(self) -> None:
        self._is(not self.all("style"), "an inline <style>")
        for element in self.tree.iter():
            if not isinstance(element.tag, str):
                continue
            self._is(
                element.tag != "script" or (element.get("src") and not (element.text or "").strip()),
                "an inline <script>",
            )
            for name, value in element.attrib.items():
                self._is(
                    not str(name).startswith(("on", "hx-on")) and name != "style",
                    f"an inline {name}= on <{element.tag}>",
                )
                if name in ("href", "src", "action", "formaction", "hx-get", "hx-post"):
                    self._is(urlsplit(value).scheme in ("", "http", "https", "mailto"), f"{name}={value}")
                if name == "src" or (name == "href" and element.tag == "link"):
                    self._is(not urlsplit(value).netloc, f"from elsewhere: {value}")


def fields_of(form: ET.Element):
    """Yield what a form would send, with its values as they stand."""
    for element in form.iter():
        name, kind = element.get("name"), element.get("type", "text")
        if not name or element.get("disabled") is not None:
            continue
        if element.tag == "textarea":
            yield name, element.text or ""
        elif element.tag == "select":
            options = list(element.iter("option"))
            chosen = [option for option in options if option.get("selected") is not None] or options[:1]
            yield from ((name, option.get("value", option.text or "")) for option in chosen)
        elif element.tag == "input" and is_sent(kind, element):
            yield name, element.get("value", "on" if kind == "checkbox" else "")


def is_sent(kind: str, element: ET.Element) -> bool:
    """Tell whether an input sends its value when nobody clicks on it."""
    if kind in ("checkbox", "radio"):
        return element.get("checked") is not None
    return kind not in ("submit", "button", "reset", "image", "file")
