"""An act as packages disclose it, against the commitments in its entry."""

from __future__ import annotations

from typing import Any

from hearing_server.domain.acts import commitment


def says_what_it_commits_to(act: dict[str, Any], entry: dict[str, Any]) -> bool:
    """Whether the fields that are shown are those whose commitments the entry holds."""
    salt = bytes.fromhex(act["salt"])
    said = f"{entry['cat']}.{entry['sub']}", entry["t_server_utc"], entry["role"], entry["case_seq"]
    return (
        said == (act["kind"], act["at"], act["role"], act["seq"])
        and commitment(salt, "actor", act["actor_id"]) == entry["actor_c"]
        and commitment(salt, "body", act["payload"]) == entry["body_c"]
    )
