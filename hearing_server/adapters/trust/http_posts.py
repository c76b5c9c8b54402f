"""One short HTTP POST to somebody who vouches for the log: bounded in time and size, never followed elsewhere."""

from __future__ import annotations

import aiohttp

# They answer from memory; whoever takes longer is asked again later.
_TIMEOUT_S = 8.0
_ANSWER_BYTES = 64 * 1024


class HttpPosts:
    """A client session made on first use, closed with `close`. Raises OSError for everything that goes wrong."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, *, content_type: str) -> tuple[int, bytes]:
        """Status and body of the answer."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        try:
            async with self._session.post(
                url, data=body, headers={"Content-Type": content_type}, allow_redirects=False
            ) as answer:
                data = await answer.content.read(_ANSWER_BYTES + 1)
                while not answer.content.at_eof() and len(data) <= _ANSWER_BYTES:
                    data += await answer.content.read(_ANSWER_BYTES + 1 - len(data))
                if len(data) > _ANSWER_BYTES:
                    raise OSError("an answer of this length is none")
                return answer.status, data
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise OSError(type(error).__name__) from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
