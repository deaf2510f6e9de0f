"""`python -m selfserve.serve`: become the production server, with everything it needs to know from the settings."""

import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from gunicorn.workers.gthread import ThreadWorker

from selfserve.config import Settings, SettingsError, load_settings
from selfserve.web.deadlines import deadlines

HEAD_SECONDS = 15
"""How long a thread waits for the head of a request; gunicorn waits five seconds for its beginning, then for ever."""
ROOT = Path(__file__).resolve().parent.parent


def main() -> NoReturn:
    """Replace this process by gunicorn, or stop with the reason why it cannot be."""
    try:
        settings = load_settings()
    except SettingsError as error:
        print(f"Selfserve cannot start.\n{error}", file=sys.stderr)
        sys.exit(2)
    if not settings.proxy_base_url:
        os.environ["PROXY_BASE_URL"] = settings.local_origin
        print(
            f"  PROXY_BASE_URL is not set: links begin with {settings.address}. Set it before you send any.",
            file=sys.stderr,
        )
    if settings.is_mail_in_clear:
        print(
            f"  SMTP_TLS=false: mail goes to {settings.smtp_host} unencrypted, and the links in it open accounts. "
            "Leave it out, unless the network up to there is your own.",
            file=sys.stderr,
        )
    os.execv(sys.executable, command(settings))  # noqa: S606 - our own interpreter, no shell wanted


class Worker(ThreadWorker):
    """gunicorn's worker of threads, none of which waits for ever; the body has a time of its own (`web/bodies.py`)."""

    def handle(self, conn: Any) -> Any:
        """Answer a request."""
        deadlines.begin(conn.sock, HEAD_SECONDS)
        try:
            return super().handle(conn)
        finally:
            deadlines.end(conn.sock)


def post_worker_init(worker: Any) -> None:
    """Let gunicorn's master tell its workers to stop: gthread's own answer to Ctrl-C can hang until it is killed.

    Each worker also begins the periodic work; a lease sees that one does it.
    gunicorn calls this in each worker: https://gunicorn.org/reference/settings/#post_worker_init
    """
    from selfserve.runner import Runner

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGQUIT, worker.handle_exit)
    worker.runner = Runner(worker.wsgi)
    worker.runner.begin()


def worker_exit(_server: Any, worker: Any) -> None:
    """Let the periodic work finish what it has in hand; a worker that could not begin has none."""
    if runner := getattr(worker, "runner", None):
        runner.end()


def command(settings: Settings) -> list[str]:
    """Write the server's command line: threads, as a stream holds one; no log of addresses, as links are secret.

    No header moves a request to another path (S-1): by itself gunicorn takes `Script_Name` and `Path_Info` from a proxy
    on the same machine, and not every proxy keeps a stranger's from coming through.
    """
    return [
        sys.executable,
        "-m",
        "gunicorn",
        f"--bind={settings.host}:{settings.port}",
        f"--workers={settings.selfserve_workers}",
        f"--threads={settings.selfserve_threads}",
        "--worker-class=selfserve.serve.Worker",
        "--config=python:selfserve.serve",
        "--graceful-timeout=10",
        "--limit-request-line=8190",
        "--log-level=warning",
        "--no-control-socket",
        "--forwarded-allow-ips=",
        "--forwarder-headers=",
        f"--pythonpath={ROOT}",
        "wsgi:app",
    ]


if __name__ == "__main__":
    main()
