"""Whether passwords are a way in here (`SELFSERVE_SSO_ONLY`): models and services ask it, and know no settings.

`create_app` says so once per process.
"""

_are_off = [False]


def switch_passwords(*, are_off: bool) -> None:
    """Let this be in force from now on."""
    _are_off[0] = are_off


def passwords_are_off() -> bool:
    """Tell whether people sign in through a provider only."""
    return _are_off[0]
