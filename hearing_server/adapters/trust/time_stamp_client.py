"""Our end to a time-stamping authority: RFC 3161 over HTTP, believed only after its signature was checked."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from hearing_server.adapters.trust.http_posts import HttpPosts
from hearing_server.errors import Unavailable
from hearing_server.ports.act_log import Stamped

# Our clock and theirs, the way there and back; a stamp of tomorrow or of last week is a lie or a broken clock.
_TOLERANCE = timedelta(minutes=10)


class HttpTimeStamps:
    """`ports.act_log.TimeStampAuthority`."""

    def __init__(self, url: str, roots: Path, posts: HttpPosts) -> None:
        self._url = url
        self._roots = load_pem_x509_certificates(roots.read_bytes())
        self._posts = posts

    async def stamp(self, message: bytes) -> Stamped:
        # SHA-256, as the log itself; the library's own choice is SHA-512, which some authorities refuse.
        request = (
            TimestampRequestBuilder()
            .data(message)
            .hash_algorithm(HashAlgorithm.SHA256)
            .nonce(nonce=True)
            .build()
        )
        try:
            status, answer = await self._posts.post(
                self._url, request.as_bytes(), content_type="application/timestamp-query"
            )
        except OSError as error:
            raise Unavailable(
                "time_stamp.down", zh="时间戳服务没有应答", en="The time-stamping authority doesn't answer"
            ) from error
        if status != 200:
            raise Unavailable(
                "time_stamp.refused",
                zh=f"时间戳服务拒绝了请求（{status}）",
                en=f"The time-stamping authority refused the request ({status})",
            )
        return await asyncio.to_thread(self._believed, request, answer, message)

    def _believed(self, request: TimeStampRequest, answer: bytes, message: bytes) -> Stamped:
        try:
            at = check_stamp(answer, message, self._roots, request)
        except ValueError as error:
            raise Unavailable(
                "time_stamp.wrong",
                zh="时间戳服务的回答无法核验，未予采信",
                en="The time stamp doesn't verify and isn't believed",
            ) from error
        if abs(at - datetime.now(UTC)) > _TOLERANCE:
            raise Unavailable(
                "time_stamp.wrong_time",
                zh="时间戳的时间与本机相差过大，未予采信；请核对双方时钟",
                en="The time stamp's time is far from ours and isn't believed; check both clocks",
            )
        return Stamped(at, answer)


def check_stamp(
    answer: bytes, message: bytes, roots: list[Certificate], request: TimeStampRequest | None = None
) -> datetime:
    """The time in an answer that stamps SHA-256(message) and leads to one of these roots. ValueError: it doesn't."""
    try:
        response: TimeStampResponse = decode_timestamp_response(answer)
        builder = VerifierBuilder.from_request(request) if request is not None else VerifierBuilder()
        for root in roots:
            builder = builder.add_root_certificate(root)
        builder.build().verify(response, hashlib.sha256(message).digest())
        return _moment(response)
    except (VerificationError, ValueError, TypeError) as error:
        raise ValueError(str(error)) from error


def time_of_stamp(answer: bytes, message: bytes) -> datetime:
    """The time in an answer that speaks of SHA-256(message), whoever signed it. ValueError: it speaks of another."""
    try:
        response: TimeStampResponse = decode_timestamp_response(answer)
        imprint = response.tst_info.message_imprint.message
    except (ValueError, TypeError) as error:
        raise ValueError(str(error)) from error
    if imprint != hashlib.sha256(message).digest():
        raise ValueError("the stamp is on something else")
    return _moment(response)


def _moment(response: TimeStampResponse) -> datetime:
    """UTC, to the millisecond: the precision in which moments are written here."""
    at = response.tst_info.gen_time.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
