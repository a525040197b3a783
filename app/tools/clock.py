"""The time, anywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from app.tools.values import ToolFailed


def current_time(
    time_zone: Annotated[
        str, Field(max_length=64, description="A name of the IANA database, such as `Europe/Paris`.")
    ] = "UTC",
) -> dict[str, str]:
    """Tell the date, the time and the weekday in a time zone. Call it whenever an answer depends on them."""
    try:
        now = datetime.now(ZoneInfo(time_zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolFailed(
            f"There is no time zone {time_zone!r}: give a name of the IANA database, such as `Europe/Paris`."
        ) from None
    return {"time": now.isoformat(timespec="seconds"), "weekday": now.strftime("%A"), "time_zone": time_zone}
