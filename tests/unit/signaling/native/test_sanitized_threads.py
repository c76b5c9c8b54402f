"""The forwarding thread under the compiler's sanitizers. Slow: the tests of the thread run once more for each."""

import pytest

from signaling.native import build
from tests.unit.signaling.native.sanitized_threads import FLAGS, run


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", FLAGS)
def test_thread__under_a_sanitizer__then_there_is_no_race_and_no_wrong_access(kind: str) -> None:
    if build.compiler() is None:
        pytest.skip("no C compiler")
    done = run(kind)
    assert done.returncode == 0, done.stdout[-4000:]
