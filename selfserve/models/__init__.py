"""What is remembered, one file per noun."""

from selfserve.models.api_key import ApiKey, KeyStatus
from selfserve.models.audit_event import AuditEvent
from selfserve.models.call import Call, DailySpend
from selfserve.models.former_secret import FormerSecret
from selfserve.models.invitation import Invitation
from selfserve.models.model_price import ModelPrice
from selfserve.models.open_call import OpenCall
from selfserve.models.rate_window import RateWindow
from selfserve.models.session import Session
from selfserve.models.tally import Tally
from selfserve.models.throttle import Throttle
from selfserve.models.user import User, UserStatus

__all__ = [
    "ApiKey",
    "AuditEvent",
    "Call",
    "DailySpend",
    "FormerSecret",
    "Invitation",
    "KeyStatus",
    "ModelPrice",
    "OpenCall",
    "RateWindow",
    "Session",
    "Tally",
    "Throttle",
    "User",
    "UserStatus",
]
