"""Our ends to everybody who vouches for the log, made from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hearing_server.adapters.trust.http_posts import HttpPosts
from hearing_server.adapters.trust.policy_file import read_policy
from hearing_server.adapters.trust.signer_link import SignerLink
from hearing_server.adapters.trust.time_stamp_client import HttpTimeStamps
from hearing_server.adapters.trust.witness_client import HttpWitness
from hearing_server.errors import Invalid
from hearing_server.settings import TrustSettings


@dataclass(frozen=True, slots=True)
class TrustEnds:
    """Nothing is connected yet: each end is opened by its first use, and `close` ends what was opened."""

    origin: str
    signer: SignerLink
    witnesses: tuple[HttpWitness, ...]
    authority: HttpTimeStamps | None
    posts: HttpPosts

    async def close(self) -> None:
        await self.signer.close()
        await self.posts.close()


def open_ends(trust: TrustSettings, *, signer_dir: Path, court_id: str) -> TrustEnds:
    """Errors: Invalid `trust.policy`, `trust.tsa_roots`."""
    posts = HttpPosts()
    origin = trust.origin or default_origin(court_id)
    authority = None
    if trust.tsa_url and trust.tsa_roots_file is not None:
        try:
            authority = HttpTimeStamps(trust.tsa_url, trust.tsa_roots_file, posts)
        except (OSError, ValueError):
            raise Invalid(
                "trust.tsa_roots",
                zh="时间戳根证书文件无法读取，应为 PEM",
                en="The file of time-stamping roots can't be read; it should be PEM",
            ) from None
    return TrustEnds(
        origin,
        SignerLink(origin=origin, folder=signer_dir, socket_path=trust.signer_socket),
        tuple(
            HttpWitness(policy.witnesses[name], url.rstrip("/"), posts)
            for policy in (read_policy(trust.policy_file),)
            for name, url in policy.urls.items()
        ),
        authority,
        posts,
    )


def default_origin(court_id: str) -> str:
    """The log's name where the settings give none; no web address, since that may change and this may not."""
    return f"hearing-server/{court_id}/acts"
