"""docs/CODECS.md says what is inside the media wheel; when the wheel changes, the page has to be read again."""

import av
import av._core

from tests.architecture.tree import ROOT


def test_media_wheel__looked_into__is_what_the_page_says() -> None:
    page = (ROOT / "docs" / "CODECS.md").read_text()
    codec = av._core.library_meta["libavcodec"]
    assert av.__version__ in page
    assert codec["license"] == "LGPL version 3 or later"
    assert "--enable-version3" in codec["configuration"]
    assert {"libx264", "libx265"} <= {
        option.removeprefix("--enable-") for option in codec["configuration"].split()
    }
    assert "--enable-gpl" not in codec["configuration"]
