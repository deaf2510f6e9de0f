"""Commands for the server's own shell: `flask --app wsgi ...`."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import click
from flask import Flask
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from selfserve import prices, runner
from selfserve.backup import copy_database
from selfserve.config import GENERATED, data_dir, stored_secret
from selfserve.errors import DomainError
from selfserve.permissions import POLICY, Permission, Reach, Role
from selfserve.price_refresh import PUBLIC_LIST, Unusable, refresh_prices
from selfserve.services import bootstrap
from selfserve.web.guards import access_of


def register_commands(app: Flask) -> None:
    """Add our commands to `flask`, and those of Flask-Migrate if it is `flask` that runs."""
    if click.get_current_context(silent=True):
        _ = app.extensions["migrate"].migrate

    @app.cli.command("create-admin")
    @click.argument("email", required=False)
    def create_admin(email: str | None) -> None:
        """Make another admin and print their link: the way back in when no admin can sign in."""
        _print_link(app, "onboarding", "7 days", lambda: bootstrap.create_admin(email))

    @app.cli.command("reset-password")
    @click.argument("email")
    def reset_password(email: str) -> None:
        """Print a link that lets the person with this address set a new password."""
        _print_link(app, "reset", "1 hour", lambda: bootstrap.reset_password(email))

    @app.cli.command("tick")
    def tick() -> None:
        """Do the periodic work once: send mail, warn of budgets and keys that end, tidy up. For cron or a timer."""
        _tick(app)

    @app.cli.command("backup")
    @click.argument("file", type=click.Path(path_type=Path))
    def backup(file: Path) -> None:
        """Copy the embedded database to a new file while the server runs."""
        _back_up(app, file)

    @app.cli.command("refresh-prices")
    @click.argument("source", default=PUBLIC_LIST)
    @click.option("--to", type=click.Path(path_type=Path), help="Write another file than that of the data folder.")
    def refresh(source: str, to: Path | None) -> None:
        """Fetch LiteLLM's public list of prices anew, from SOURCE: an address or a file."""
        _refresh(source, to or app.config["SETTINGS"].selfserve_data_dir / prices.FILE.name)

    @app.cli.command("rights")
    @click.option("--routes", is_flag=True, help="List every address with what it asks for instead.")
    def rights(routes: bool) -> None:
        """Print the table of rights, as it stands in the README."""
        click.echo(routes_table(app) if routes else rights_table())


def rights_table() -> str:
    """Write POLICY as a Markdown table."""
    words = {Reach.ANYONES: "everyone's", Reach.OWN: "own", None: ""}
    unowned = {Permission.USER_LIST, Permission.USER_CREATE, Permission.ROLE_LIST, Permission.KEY_OVERSEE}
    unowned |= {Permission.SETTINGS_READ, Permission.SETTINGS_UPDATE}
    lines = ["| may | " + " | ".join(f"`{role}`" for role in Role) + " |", "|---|" + "---|" * len(Role)]
    for permission in Permission:
        cells = [POLICY[role].get(permission) for role in Role]
        shown = ["yes" if cell and permission in unowned else words[cell] for cell in cells]
        lines.append(f"| {permission.sentence} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def routes_table(app: Flask) -> str:
    """Write every rule with its methods and its permission."""
    rows = []
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        methods = ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        rows.append(f"{methods:<9} {rule.rule:<44} {access_of(app, rule.endpoint)}")
    return "\n".join(rows)


def _tick(app: Flask) -> None:
    """Do the periodic work and say what was done, or that another process does it."""
    try:
        done = runner.tick(app)
    except DBAPIError:
        raise click.ClickException("The database does not answer. Check DATABASE_URL and that it runs.") from None
    click.echo(done or "Another process does it right now; nothing was done here.")


def _refresh(source: str, file: Path) -> None:
    """Refresh the list of prices and say what changed, or say why not."""
    try:
        done = refresh_prices(source, file)
    except Unusable as error:
        raise click.ClickException(f"{error} Nothing was changed.") from None
    click.echo(f"{done.total:,} models: {done.new:,} new, {done.changed:,} changed, {done.gone:,} gone.")
    if done.left_out:
        named = ", ".join(done.left_out[:5]) + (", ..." if len(done.left_out) > 5 else "")
        click.echo(f"Left out, because their prices cannot be used: {len(done.left_out):,} ({named}).")
    click.echo(f"{file} holds from the next start of the server on. Prices that an admin set win over it.")


def _back_up(app: Flask, file: Path) -> None:
    """Copy the database and say what the copy holds and what it lacks, or say why not."""
    url = make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    if url.get_backend_name() != "sqlite":
        raise click.ClickException("This database is PostgreSQL. Use pg_dump, as docs/backup.md shows.")
    try:
        copy_database(Path(url.database or ""), file)
    except FileExistsError:
        raise click.ClickException(f"{file} exists already. Name a new file; nothing is overwritten.") from None
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise click.ClickException(f"No copy was made: {reason}.") from None
    click.echo(
        f"{file} holds the whole database as it was just now, and was checked: people, keys, spend and what was done.\n"
        "Passwords, keys, links and sessions are in it as hashes only. Keep it to yourself all the same, and keep\n"
        f"with it what it does not hold: SELFSERVE_SECRET_KEY and LITELLM_MASTER_KEY ({_where_secrets_are()})."
    )


def _where_secrets_are() -> str:
    """Say where the two secrets of the installation are."""
    files = [str(data_dir() / GENERATED[name]) for name in GENERATED if stored_secret(name)]
    return " and ".join(files) or "set in the environment or in .env"


def _print_link(app: Flask, page: str, lasts: str, make: Callable[[], str]) -> None:
    """Make a link and print it, or say why not."""
    try:
        secret = make()
    except (DomainError, ValueError) as error:
        raise click.ClickException(getattr(error, "message", None) or "That is not an e-mail address.") from None
    except DBAPIError:
        raise click.ClickException("The database does not answer. Check DATABASE_URL and that it runs.") from None
    click.echo(f"This link works once, for {lasts}, and is not shown again:\n")
    click.echo(f"    {app.config['SETTINGS'].address}/ui/{page}?id={secret}")
