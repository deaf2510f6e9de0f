"""What was taken over from others is as they made it; docs/decisions/0008 says what and where from."""

import hashlib
import re

import pytest

from tests.servers import ROOT

pytestmark = pytest.mark.any_database

STATIC = ROOT / "selfserve" / "static"
VENDORED = [
    "htmx.min.js",
    "swagger-ui/swagger-ui-bundle.js",
    "swagger-ui/swagger-ui.css",
]
LICENCES = ["htmx-LICENSE.txt", "inter-OFL.txt", "swagger-ui/LICENSE.txt", "swagger-ui/NOTICE.txt"]


@pytest.mark.parametrize("name", VENDORED)
def test_a_vendored_file_is_the_published_one(name):
    content = (STATIC / name).read_bytes()
    told = (ROOT / "docs" / "decisions" / "0008-dependencies.md").read_text(encoding="utf-8")
    size, digest = re.search(
        rf"`{re.escape(name)}`[^`]*?\(([\d,]+) bytes, SHA-256\s+`([0-9a-f]{{64}})`\)", told
    ).groups()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (int(size.replace(",", "")), digest)


@pytest.mark.parametrize("name", LICENCES)
def test_its_licence_lies_beside_it(name):
    assert (STATIC / name).stat().st_size > 50


def test_it_points_nowhere_that_we_do_not_serve():
    """A stylesheet may load only what it carries itself."""
    for name in ("swagger-ui/swagger-ui.css", "docs.css", "selfserve.css"):
        addresses = re.findall(r"url\(\s*[\"']?([^\"')\s]{0,40})", (STATIC / name).read_text(encoding="utf-8"))
        assert [one for one in addresses if not one.startswith(("data:", "inter-var.woff2"))] == []
