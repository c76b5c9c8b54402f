"""The running court for tests over sockets."""

from tests.court import court  # noqa: F401
