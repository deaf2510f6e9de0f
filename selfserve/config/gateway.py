"""The settings of the gateway: where calls go, and how long they are waited for."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from selfserve.config.urls import checked_http_address, is_plain_address, is_readable


class GatewaySettings(BaseSettings):
    """What calls to models need."""

    selfserve_gateway_url: str = Field(
        "", description="Where people point their tools when it is not this portal, with its `/v1` if it has one."
    )
    upstream_base_url: str = Field(
        "", description="The OpenAI-compatible server that keys open, such as `https://api.openai.com/v1`."
    )
    upstream_api_key: SecretStr = Field(SecretStr(""), description="The key that is sent to it.")
    selfserve_upstreams: Path | None = Field(
        None, description="A TOML file of several upstreams with their models and prices."
    )
    selfserve_upstream_timeout: int = Field(600, ge=1, le=3600, description="Seconds that a whole call may take.")
    selfserve_upstream_first_byte: int = Field(
        600, ge=1, le=3600, description="Seconds to wait for the first byte of an upstream's answer."
    )
    selfserve_upstream_idle: int = Field(
        300, ge=1, le=3600, description="Seconds of silence after which a stream counts as broken."
    )
    selfserve_call_megabytes: int = Field(20, ge=1, le=500, description="The largest body of a call to a model.")
    selfserve_unpriced: Literal["allow", "refuse"] = Field(
        "allow", description="`refuse`: a key or person with a budget calls no model without a known price."
    )
    redis_url: SecretStr = Field(
        SecretStr(""), description="`redis://...` counts requests and tokens per minute; empty: the database does."
    )

    @field_validator("selfserve_gateway_url", "upstream_base_url")
    @classmethod
    def _url_of_gateway_is_http(cls, url: str) -> str:
        """Refuse what is no plain http or https address."""
        return checked_http_address(url)

    @field_validator("upstream_base_url")
    @classmethod
    def _a_path_can_follow(cls, url: str) -> str:
        """Refuse an address behind which no path can be put."""
        if url and not is_plain_address(url):
            raise ValueError("must be an address without ? and #, such as `https://api.openai.com/v1`.")
        return url

    @field_validator("redis_url")
    @classmethod
    def _redis_is_an_address(cls, url: SecretStr) -> SecretStr:
        """Accept the address of a Redis; it may hold a password."""
        address = url.get_secret_value().strip()
        if address and not (re.match(r"(rediss?|unix)://[^\s]+$", address) and is_readable(address)):
            raise ValueError("must be an address such as `redis://:password@host:6379/0`.")
        return SecretStr(address)
