"""How a letter looks: HTML as the visual reference shows it, and the same as text."""

import re
from html import unescape
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from selfserve.config import Settings
from selfserve.post.letters import Letter

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates" / "emails"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
"""Ours alone: static templates, escaped in HTML, which see nothing but a letter (S-27, S-33)."""


def render_letter(settings: Settings, letter: Letter) -> tuple[str, str]:
    """Give a letter as text and as HTML."""
    context = {
        "letter": letter,
        "brand": settings.selfserve_organization or "Selfserve",
        "portal_name": settings.portal_name,
        "address": settings.address,
        "logo": settings.email_logo_url,
        "signature": signature_lines(settings.email_signature),
        "support_contact": settings.email_support_contact,
    }
    text, html = (_templates.get_template(f"message.{kind}").render(context) for kind in ("txt", "html"))
    return text, html


def signature_lines(signature: str) -> list[str]:
    """Give the lines of a signature. LiteLLM's is HTML: of what was written for it the text stays."""
    broken = re.sub(r"<br\s*/?>|</p>|\\n", "\n", signature, flags=re.IGNORECASE)
    lines = unescape(re.sub(r"<[^>]*>", "", broken)).splitlines()
    return [words for text in lines if (words := text.strip())]
