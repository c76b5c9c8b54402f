"""Import of case files."""

from __future__ import annotations

from hearing_server.rest.routing import Call, Route, Who

_CSV = "text/csv"


async def import_cases(call: Call) -> object:
    done = await call.services.case_imports.run(
        call.actor,
        call.content,
        is_csv=call.request.content_type == _CSV,
        is_dry_run=call.flag("dry_run"),
    )
    # The ids of a rehearsal exist nowhere.
    cases = [{"id": None if done.is_dry_run else case.id, "number": str(case.number)} for case in done.cases]
    return {"imported": 0 if done.is_dry_run else len(cases), "dry_run": done.is_dry_run, "cases": cases}


ROUTES = (
    Route(
        "POST",
        "/case-imports",
        import_cases,
        Who.STAFF,
        "Import a file of cases whole, or name every bad line",
        content_types=(_CSV, "application/json"),
        file_limit="import_bytes",
    ),
)
