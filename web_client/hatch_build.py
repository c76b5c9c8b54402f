"""Build hook: an installed server brings its web client along, built from these sources."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _bundle() -> ModuleType:
    """bundle.py beside this file, by path: a build has no source folder on its import path."""
    path = Path(__file__).with_name("bundle.py")
    spec = importlib.util.spec_from_file_location("web_client_bundle", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class WebClientHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds web_client/dist when it is not fresh; standard wheels carry it as hearing_server/_web."""

    def dependencies(self) -> list[str]:
        """Node, but only when this build needs it and the machine has none: 61 MB saved otherwise."""
        bundle = _bundle()
        return [] if bundle.is_fresh() or bundle.has_machine_node() else [bundle.NODE_REQUIREMENT]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`version` is "standard" or "editable"; an editable install serves web_client/dist in place."""
        bundle = _bundle()
        bundle.build()
        if self.target_name == "wheel" and version == "standard":
            build_data["force_include"][str(bundle.DIST)] = "hearing_server/_web"
