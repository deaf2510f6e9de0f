"""Settings of mail: what means nothing without the rest stops the start, and what travels in clear is known."""

import pytest
from pydantic import ValidationError

from selfserve.config.mail import MailSettings

pytestmark = pytest.mark.any_database
SERVER = {"smtp_host": "smtp.example.com", "smtp_sender_email": "keys@example.com"}


def load(**values):
    return MailSettings(_env_file=None, **values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"smtp_host": "smtp.example.com"}, "SMTP_SENDER_EMAIL must be set where SMTP_HOST is"),
        ({"smtp_sender_email": "keys@example.com"}, "SMTP_SENDER_EMAIL is set, and SMTP_HOST is not"),
        ({"smtp_username": "keys"}, "SMTP_USERNAME is set, and SMTP_HOST is not"),
        (SERVER | {"smtp_password": "x"}, "SMTP_PASSWORD is set, and SMTP_USERNAME is not"),
        ({"smtp_password": "x"}, "SMTP_PASSWORD is set, and SMTP_USERNAME is not"),
    ],
)
def test_half_a_mail_server_is_refused_with_the_mend(values, sentence):
    with pytest.raises(ValidationError, match=sentence):
        load(**values)


@pytest.mark.parametrize(
    ("values", "is_in_clear"),
    [
        (SERVER, False),
        (SERVER | {"smtp_tls": False}, True),
        (SERVER | {"smtp_tls": False, "smtp_host": "LOCALHOST"}, False),
        (SERVER | {"smtp_tls": False, "smtp_host": "[::1]"}, False),
        (SERVER | {"smtp_tls": False, "smtp_host": "127.0.0.1.example.com"}, True),
        (SERVER | {"smtp_tls": False, "smtp_port": 465}, False),
        ({"smtp_tls": False}, False),
    ],
)
def test_mail_is_in_clear_where_it_leaves_this_machine_without_tls(values, is_in_clear):
    assert load(**values).is_mail_in_clear is is_in_clear
