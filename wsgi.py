"""The WSGI entry: any server can run `wsgi:app`."""

import sys

from selfserve import SettingsError, create_app

BOOT_FAILED = 3
"""The exit code by which a worker tells gunicorn not to try again."""

try:
    app = create_app()
except SettingsError as error:
    print(f"Selfserve cannot start.\n{error}", file=sys.stderr)
    sys.exit(BOOT_FAILED)
