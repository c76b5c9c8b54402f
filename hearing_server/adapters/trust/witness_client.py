"""Our end to a witness: C2SP tlog-witness over HTTP."""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.adapters.trust.http_posts import HttpPosts
from hearing_server.domain.trust.checkpoints import whole_number
from hearing_server.domain.trust.growth import growth_request
from hearing_server.domain.trust.signed_notes import VerifierKey
from hearing_server.errors import Unavailable
from hearing_server.ports.act_log import WitnessSize


@dataclass(frozen=True, slots=True)
class HttpWitness:
    """`ports.act_log.Witness`. `url`: its submission prefix, without a slash at the end."""

    key: VerifierKey
    url: str
    posts: HttpPosts

    async def add_checkpoint(self, old: int, proof: tuple[bytes, ...], note: str) -> str | WitnessSize:
        body = growth_request(old, proof, note).encode()
        try:
            status, answer = await self.posts.post(
                f"{self.url}/add-checkpoint", body, content_type="text/plain; charset=utf-8"
            )
            text = answer.decode()
            if status == 409:
                return WitnessSize(whole_number(text.removesuffix("\n")))
        except (OSError, ValueError) as error:
            raise Unavailable("witness.down", zh="见证方没有应答", en="The witness doesn't answer") from error
        if status == 404 or status == 403:
            raise Unavailable(
                "witness.unknown_log",
                zh="见证方不认识本日志或其公钥，请联系对方登记",
                en="The witness doesn't know this log or its key; ask them to add it",
            )
        if status != 200:
            raise Unavailable(
                "witness.refused",
                zh=f"见证方拒绝见证（{status}），请立即核查日志是否被改动",
                en=f"The witness refuses ({status}); was the log changed?",
            )
        return text
