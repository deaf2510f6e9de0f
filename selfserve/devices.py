"""What somebody comes with, in words: `Firefox on Linux`, `curl`. It is what the User-Agent claims, no more."""

import re

UNKNOWN = "Unknown device"
_LONGEST = 40
_BROWSERS = (
    (r"Edg(e|A|iOS)?/", "Edge"),
    (r"OPR/|OPiOS/", "Opera"),
    (r"SamsungBrowser/", "Samsung Internet"),
    (r"Vivaldi/", "Vivaldi"),
    (r"Firefox/|FxiOS/", "Firefox"),
    (r"Chrome/|CriOS/|Chromium/", "Chrome"),
    (r"Safari/", "Safari"),
)
"""Those that also call themselves by a name further down stand above it."""
_SYSTEMS = (
    (r"iPhone|iPod", "iPhone"),
    (r"iPad", "iPad"),
    (r"Android", "Android"),
    (r"Windows", "Windows"),
    (r"CrOS", "ChromeOS"),
    (r"Macintosh|Mac OS X", "macOS"),
    (r"Linux|X11", "Linux"),
)
_HANDHELD = ("iPhone", "iPad", "Android")


def device(agent: str | None) -> str:
    """Say what a User-Agent stands for: browser and system, else the name of the program."""
    if not agent or not agent.startswith("Mozilla/"):
        return _program(agent or "")
    browser, system = _first(_BROWSERS, agent), _first(_SYSTEMS, agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or (f"A browser on {system}" if system else UNKNOWN)


def is_handheld(agent: str | None) -> bool:
    """Tell whether a User-Agent is a phone's or a tablet's."""
    return _first(_SYSTEMS, agent or "") in _HANDHELD


def _program(agent: str) -> str:
    """Give the name that a program has for itself, without its version."""
    name = re.split(r"[/(;\s]", agent.strip(), maxsplit=1)[0]
    return name[:_LONGEST] if name.isprintable() and name else UNKNOWN


def _first(patterns: tuple[tuple[str, str], ...], agent: str) -> str:
    """Give the name of the first pattern that is in a User-Agent, an empty text where none is."""
    return next((name for pattern, name in patterns if re.search(pattern, agent)), "")
