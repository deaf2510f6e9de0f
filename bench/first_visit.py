"""What a browser loads on its first visit: the page as gzip -6 would send it, the static files as sent."""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from bench.servers import Server, ask

PAGES = {"sign-in page": ("/ui/login", "nobody"), "keys page": ("/ui/keys", "mia")}


@dataclass(frozen=True)
class Visit:
    """A page and what belongs to it, in bytes."""

    page: str
    html: int
    static: int
    requests: int


def visit_pages(server: Server, headers: Mapping[str, dict[str, str]]) -> list[Visit]:
    """Load each page with an empty cache."""
    return [_visit(server, name, path, headers[who]) for name, (path, who) in PAGES.items()]


def _visit(server: Server, name: str, path: str, headers: dict[str, str]) -> Visit:
    """Load a page, the files that it names, and those that they name."""
    page = ask(server, path, **headers)[1]
    files = {urljoin(path, address) for address in re.findall(r'(?:href|src)="([^"#]*/static/[^"#]+)', page.decode())}
    sizes = {file: len(ask(server, file, Accept_Encoding="gzip")[1]) for file in files}
    for style in [file for file in files if file.endswith(".css")]:
        named = re.findall(r"url\(\"?([^\")#]+)", ask(server, style)[1].decode())
        for file in {urljoin(style, address) for address in named if not address.startswith("data:")} - sizes.keys():
            sizes[file] = len(ask(server, file, Accept_Encoding="gzip")[1])
    return Visit(name, len(gzip.compress(page, 6)), sum(sizes.values()), 1 + len(sizes))
