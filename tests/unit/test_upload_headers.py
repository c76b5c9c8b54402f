"""Headers of the upload protocol, as strangers write them."""

from __future__ import annotations

import base64

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hearing_server.errors import HearingError
from hearing_server.rest.uploads import checksum, metadata


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(max_size=200), st.text(alphabet="abc ,=%QUJD+/", max_size=60)))
def test_headers__of_any_text__are_read_or_refused_and_nothing_else(text: str) -> None:
    status = 400
    for read in (metadata, checksum):
        try:
            read(text)
        except HearingError as refused:
            status = refused.status
        assert status == 400


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), st.text(max_size=40), max_size=6))
def test_metadata__written_as_the_protocol_says__is_read_back(words: dict[str, str]) -> None:
    written = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in words.items())
    assert metadata(written) == words
