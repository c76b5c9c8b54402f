"""The running court for tests over HTTP."""

from tests.court import court  # noqa: F401
