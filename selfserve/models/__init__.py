"""What is remembered, one file per noun."""

from selfserve.models.api_key import ApiKey, KeyStatus
from selfserve.models.audit_event import AuditEvent
from selfserve.models.call import Call, DailySpend
from selfserve.models.cli_login import CliLogin
from selfserve.models.former_secret import FormerSecret
from selfserve.models.invitation import Invitation
from selfserve.models.lease import Lease
from selfserve.models.mail import Mail, MailState
from selfserve.models.model_price import ModelPrice
from selfserve.models.open_call import OpenCall
from selfserve.models.rate_window import RateWindow
from selfserve.models.reset_link import ResetLink
from selfserve.models.session import Session
from selfserve.models.sso_login import SsoLogin
from selfserve.models.tally import Tally
from selfserve.models.throttle import Throttle
from selfserve.models.user import User, UserStatus

__all__ = [
    "ApiKey",
    "AuditEvent",
    "Call",
    "CliLogin",
    "DailySpend",
    "FormerSecret",
    "Invitation",
    "KeyStatus",
    "Lease",
    "Mail",
    "MailState",
    "ModelPrice",
    "OpenCall",
    "RateWindow",
    "ResetLink",
    "Session",
    "SsoLogin",
    "Tally",
    "Throttle",
    "User",
    "UserStatus",
]
