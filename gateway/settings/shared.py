"""Settings of the store that many gateways share; the password has no field."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.table import Table
from gateway.settings.values import FromFolder, Line


class Redis(Table):
    """How the gateway logs in to Redis or Valkey, and how many copies of each commit it insists on; see docs/scaling.md."""

    username: Line = Field(default="", description="ACL user. Empty: the default user.")
    password_file: FromFolder | None = Field(
        default=None, description="File of its password, mode 0600; or `GATEWAY_REDIS_PASSWORD`."
    )
    ca_file: FromFolder | None = Field(
        default=None, description="PEM file of the authorities to trust, for rediss://. Empty: the system's."
    )
    network: Literal["", "private"] = Field(
        default="", description='"private": nobody else is on the network between us, so redis:// may cross it in clear.'
    )
    replicas: Annotated[int, Field(strict=True, ge=0, le=8)] = Field(
        default=0,
        description="So many replicas must have a commit before it counts (WAIT); set it where one may become primary.",
    )
