"""Settings of repeated attempts."""

from __future__ import annotations

from pydantic import BaseModel, Field

from config.fields import CLOSED, Whole


class Attempts(BaseModel):
    """When somebody's blocked pages raise an alert."""

    model_config = CLOSED

    count: Whole = Field(
        default=10,
        ge=0,
        le=100,
        description="Different blocked pages that one user went to, 1 to 100; 0: never. Default 10.",
    )
    minutes: Whole = Field(
        default=10,
        ge=1,
        le=120,
        description="Within so many minutes, 1 to 120; also the shortest time between two alerts "
        "about one user. Default 10.",
    )
