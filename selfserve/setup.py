"""`python -m selfserve.setup`: make the secrets, bring the database up to date, invite the first admin.

It may run at every start and by several processes at once: what exists is kept, and the first link is made once.
"""

import fcntl
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.util import CommandError
from flask import current_app
from sqlalchemy.exc import DBAPIError

from selfserve.config import ENV_FILE, GENERATED, Settings, SettingsError, data_dir, given, load_settings, stored_secret


def main(arguments: list[str]) -> int:
    """Set the installation up and say what to do next."""
    try:
        folder = data_dir()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _one_at_a_time(folder):
            made = [name for name in GENERATED if _make_secret(folder, name)]
            settings = load_settings()
            if "--serve" in arguments:
                _refuse_taken_port(settings)
            _set_up(settings, with_demo="--demo" in arguments)
    except (SettingsError, CommandError) as error:
        print(f"Selfserve cannot start.\n{error}", file=sys.stderr)
        return 2
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        print(f"Selfserve cannot start: the database says: {reason}. Check DATABASE_URL.", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"Selfserve cannot write to {data_dir()}: {error.strerror}. Set SELFSERVE_DATA_DIR to another folder.",
            file=sys.stderr,
        )
        return 2
    if made:
        print(f"  Made {' and '.join(GENERATED[name] for name in made)} in {folder}/ (mode 0600). Keep a copy.")
    return 0


def _refuse_taken_port(settings: Settings) -> None:
    """Stop before anything is made or printed when the server could not listen. Raises SettingsError."""
    host = settings.host.strip("[]")
    try:
        socket.create_server((host, settings.port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        raise SettingsError(
            f"HOST={settings.host} PORT={settings.port} cannot be listened on: {error.strerror or error}. "
            f"Stop what uses it, or set another, such as PORT={settings.port + 1}."
        ) from None


def _set_up(settings: Settings, *, with_demo: bool) -> None:
    """Migrate and, on the very first start, print the first admin's link; always print the address."""
    from selfserve import create_app

    app = create_app(settings)
    with app.app_context():
        _migrate()
        print(f"\n  Selfserve is at {settings.address}")
        if with_demo:
            _fill_demo()
        else:
            _print_first_link(settings)
        print(f"\n  By curl:  curl {settings.address}/user/list -H {_key_argument(settings)}\n")


def _migrate() -> None:
    """Bring the database up to date. Raises CommandError, with nothing touched, for a newer version's database."""
    from selfserve.database import gather_statistics

    command.upgrade(current_app.extensions["migrate"].migrate.get_config(), "head")
    gather_statistics()


def _print_first_link(settings: Settings) -> None:
    """Make and print the first admin's link, if nobody was ever there."""
    from selfserve.services import bootstrap

    secret = bootstrap.invite_first_admin(settings.selfserve_admin_email or None)
    if secret:
        print("  Become the first admin with this link. It works once, for 7 days, and is not shown again:")
        print(f"\n      {settings.address}/ui/onboarding?id={secret}")
    elif not bootstrap.has_admin():
        flask = Path(sys.executable).with_name("flask")
        print(f"  No admin can sign in yet. This prints a new link: {flask} --app wsgi create-admin")


def _fill_demo() -> None:
    """Fill the database with a made-up company and say how to sign in."""
    from selfserve.demo import PASSWORD, fill
    from selfserve.mail_setup import MailSetup, use_mail_setup

    use_mail_setup(MailSetup())  # nobody made up has a mailbox
    people = fill()
    print(f"  A made-up company to look at. Sign in as one of these, with the password  {PASSWORD}\n")
    for email, role in people:
        print(f"      {email:<26} {role}")


def _key_argument(settings: Settings) -> str:
    """Write the header of a curl line that reads the key from where it is."""
    if stored_secret("litellm_master_key"):
        return f'"Authorization: Bearer $(cat {settings.selfserve_data_dir / GENERATED["litellm_master_key"]})"'
    if os.environ.get("LITELLM_MASTER_KEY"):
        return '"Authorization: Bearer $LITELLM_MASTER_KEY"'
    quoted = '"Authorization: Bearer $(sed -n "s/.*LITELLM_MASTER_KEY=//p" {} | tr -d "\\042\\047")"'
    return quoted.format(ENV_FILE)


def _make_secret(folder: Path, name: str) -> bool:
    """Make one secret, unless it is set or there already; tell whether it was made."""
    path = folder / GENERATED[name]
    if path.exists() or given().get(name.upper()):
        return False
    secret = f"sk-{secrets.token_urlsafe(32)}" if name == "litellm_master_key" else secrets.token_urlsafe(48)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secret + "\n")
    return True


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let only one setup run in a data folder."""
    with (folder / "setup.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
