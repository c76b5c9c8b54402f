"""Repository of a case's nodes (节点): what happened, once each, and whether people were told."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from hearing_server.domain.progress.nodes import Node
from hearing_server.kernel import CaseId


class Progress(Protocol):
    """Nodes of cases."""

    async def add(self, node: Node) -> bool:
        """False when this node is there already: it happened once."""
        ...

    async def of_case(self, case_id: CaseId) -> list[Node]:
        """Oldest first."""
        ...

    async def unpushed(self, limit: int) -> list[str]:
        """Ids of nodes nobody was told of yet, oldest first."""
        ...

    async def begin_push(self, node_id: str, at: datetime) -> Node | None:
        """The node, marked as told in this unit; None when another unit has done it."""
        ...
