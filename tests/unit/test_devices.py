"""What a User-Agent stands for."""

import pytest

from selfserve.devices import UNKNOWN, device, is_handheld

MOZILLA = "Mozilla/5.0 "
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) "
AGENTS = {
    MOZILLA + "(X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox on Linux",
    MOZILLA + "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36": "Chrome on Windows",
    MOZILLA + "(Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0": "Edge on Windows",
    MOZILLA + "(Macintosh; Intel Mac OS X 10_15_7) " + SAFARI + "Version/18.0 Safari/605.1.15": "Safari on macOS",
    MOZILLA + "(iPhone; CPU iPhone OS 18_0 like Mac OS X) " + SAFARI + "Version/18.0 Safari/604.1": "Safari on iPhone",
    MOZILLA + "(iPhone; CPU iPhone OS 18_0 like Mac OS X) " + SAFARI + "CriOS/140.0 Safari/604.1": "Chrome on iPhone",
    MOZILLA + "(iPad; CPU OS 18_0 like Mac OS X) " + SAFARI + "FxiOS/140.0 Safari/604.1": "Firefox on iPad",
    MOZILLA + "(Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36": "Chrome on Android",
    MOZILLA
    + "(Linux; Android 15) SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36": "Samsung Internet on Android",
    MOZILLA + "(X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36": "Chrome on ChromeOS",
    MOZILLA + "(X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 OPR/120.0": "Opera on Linux",
    MOZILLA + "(X11; Linux x86_64)": "A browser on Linux",
    MOZILLA + "Firefox/1.0": "Firefox",
    MOZILLA: UNKNOWN,
    "curl/8.5.0": "curl",
    "python-requests/2.32": "python-requests",
    "OpenAI/Python 1.99": "OpenAI",
    "claude-cli/2.0 (external, cli)": "claude-cli",
    "x" * 500: "x" * 40,
    "\x00\x1b[31m": UNKNOWN,
    "": UNKNOWN,
    None: UNKNOWN,
}


@pytest.mark.parametrize(("agent", "words"), AGENTS.items())
def test_a_device_in_words(agent, words):
    assert device(agent) == words


def test_a_phone_is_told_from_a_laptop():
    assert [words for agent, words in AGENTS.items() if is_handheld(agent)] == [
        words for words in AGENTS.values() if words.endswith(("iPhone", "iPad", "Android"))
    ]
