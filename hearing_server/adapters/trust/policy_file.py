"""A tlog-policy file, or one line that says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from hearing_server.domain.trust.trust_policy import TrustPolicy
from hearing_server.errors import Invalid


def read_policy(path: Path | None) -> TrustPolicy:
    """The policy in a file, or one without witnesses. Errors: Invalid `trust.policy`."""
    try:
        return TrustPolicy.parse(path.read_text("utf-8") if path is not None else "quorum none\n")
    except (OSError, ValueError) as error:
        raise Invalid(
            "trust.policy", zh=f"信任策略文件有误：{error}", en=f"The trust policy file is wrong: {error}"
        ) from None
