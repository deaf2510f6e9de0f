"""Static files: pre-compressed, kept for ever under an address that changes when one of them does."""

import hashlib
from pathlib import Path

from flask import Flask
from whitenoise import WhiteNoise

from selfserve.config import Settings

FOLDER = Path(__file__).parent.parent / "static"


def init_statics(app: Flask, settings: Settings) -> None:
    """Serve the folder before the application sees the request, and give templates `asset(name)`."""
    prefix = f"/ui/static/{_content_hash()}/"
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=str(FOLDER),
        prefix=prefix,
        max_age=31_536_000,
        immutable_file_test=lambda _path, _url: True,
        allow_all_origins=False,
    )
    app.jinja_env.globals["asset"] = lambda name: settings.server_root_path + prefix + name


def _content_hash() -> str:
    """Hash what all files hold, so that a change of any is a change of address."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file() and path.suffix != ".gz":
            digest.update(str(path.relative_to(FOLDER)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]
