"""Publications made before a copy had to be confirmed: the migration keeps them, and none of them stays public."""

from __future__ import annotations

import json
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from pydantic import TypeAdapter

from hearing_server.domain.publishing.publications import CopyState, Publication, PublicationState
from hearing_server.storage.schema import migration_config

BEFORE = {
    "recording_id": "rec_1", "title": "庭审", "cause": "纠纷", "case_number": "（2026）浙0199民初1号",
    "court_name": "云河法院", "held_on": "2026-03-02", "duration_s": 60.0, "submitted_by": "per_1",
    "submitted_at": "2026-03-02T10:00:00Z", "decided_by": None, "decided_at": None,
    "published_at": None, "reason": None,
}  # fmt: skip


def test_migration__with_publications_of_before__leaves_none_of_them_public(tmp_path: Path) -> None:
    # Plain SQLite keeps no foreign keys: the rows around it don't matter here.
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'court.db'}")
    with engine.begin() as connection:
        command.upgrade(migration_config(connection), "r0004")
        for number, state in enumerate(("public", "submitted", "rejected")):
            document = {**BEFORE, "id": f"pub_{number}", "state": state}
            connection.execute(
                sa.text(
                    "INSERT INTO publications (id, recording_id, state, submitted_at, document)"
                    " VALUES (:id, 'rec_1', :state, '2026-03-02 10:00:00', :document)"
                ),
                {"id": f"pub_{number}", "state": state, "document": json.dumps(document)},
            )
    with engine.begin() as connection:
        command.upgrade(migration_config(connection), "head")
        rows = connection.execute(sa.text("SELECT * FROM publications ORDER BY id")).mappings().all()
    assert [row["state"] for row in rows] == ["withdrawn", "submitted", "rejected"]
    assert {(row["case_number"], str(row["held_on"])) for row in rows} == {
        (BEFORE["case_number"], "2026-03-02")
    }
    for row in rows:
        publication = TypeAdapter(Publication).validate_python(json.loads(row["document"]))
        assert publication.state == PublicationState(row["state"])
        assert (publication.copy.state, publication.is_public) == (CopyState.FAILED, False)
        assert row["copy_state"] == "failed"
