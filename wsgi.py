"""The WSGI entry: any server can run `wsgi:app`."""

from selfserve import create_app

app = create_app()
