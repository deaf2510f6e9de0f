"""Commands for the server's own shell: `flask --app wsgi ...`."""

import click
from flask import Flask
from sqlalchemy.exc import DBAPIError

from selfserve.errors import DomainError
from selfserve.permissions import POLICY, Permission, Reach, Role
from selfserve.services import bootstrap
from selfserve.web.guards import access_of


def register_commands(app: Flask) -> None:
    """Add our commands to `flask`."""

    @app.cli.command("create-admin")
    @click.argument("email", required=False)
    def create_admin(email: str | None) -> None:
        """Make another admin and print their link: the way back in when no admin can sign in."""
        _print_link(app, lambda: bootstrap.create_admin(email))

    @app.cli.command("reset-password")
    @click.argument("email")
    def reset_password(email: str) -> None:
        """Print a link that lets the person with this address set a new password."""
        _print_link(app, lambda: bootstrap.reset_password(email))

    @app.cli.command("rights")
    @click.option("--routes", is_flag=True, help="List every address with what it asks for instead.")
    def rights(routes: bool) -> None:
        """Print the table of rights, as it stands in the README."""
        click.echo(routes_table(app) if routes else rights_table())


def rights_table() -> str:
    """Write POLICY as a Markdown table."""
    words = {Reach.ANYONES: "everyone's", Reach.OWN: "own", None: ""}
    unowned = {Permission.USER_LIST, Permission.USER_CREATE, Permission.ROLE_LIST, Permission.KEY_OVERSEE}
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


def _print_link(app: Flask, make: object) -> None:
    """Make a link and print it, or say why not."""
    try:
        secret = make()  # type: ignore[operator]
    except (DomainError, ValueError) as error:
        raise click.ClickException(getattr(error, "message", None) or "That is not an e-mail address.") from None
    except DBAPIError:
        raise click.ClickException("The database does not answer. Check DATABASE_URL and that it runs.") from None
    click.echo("This link works once, for 7 days, and is not shown again:\n")
    click.echo(f"    {app.config['SETTINGS'].address}/ui/onboarding?id={secret}")
