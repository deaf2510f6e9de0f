"""What program asks for a sign-in on a command line, for the person who confirms it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cli_logins", sa.Column("device", sa.String(64)))


def downgrade() -> None:
    op.drop_column("cli_logins", "device")
