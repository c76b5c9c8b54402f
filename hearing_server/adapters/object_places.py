"""Which object store the settings name, opened and ready."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from obstore.store import ObjectStore, S3Store

from hearing_server.adapters.case_keys import CaseKeys, WrappingKeys, wrapping_keys
from hearing_server.adapters.objects import StoredObjects, local_store
from hearing_server.settings import StorageSettings

# The library's own tries end here: a person waits for the answer.
_RETRY_S = 20.0
_REQUEST_S = 30.0


async def open_objects(settings: StorageSettings) -> StoredObjects:
    """Errors: Unavailable `keys.…`. Credentials of a bucket come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."""
    store, folder = _open_store(settings)
    keys = CaseKeys(store, await _wrapping(settings)) if settings.encrypt_objects else None
    return StoredObjects(store, folder, keys=keys)


async def rewrap_keys(settings: StorageSettings) -> int:
    """Wrap every case's key with the key now in use; how many were changed. Errors: Unavailable `keys.…`."""
    store, _ = _open_store(settings)
    return await CaseKeys(store, await _wrapping(settings)).rewrap()


def _open_store(settings: StorageSettings) -> tuple[ObjectStore, Path | None]:
    if not settings.s3_bucket:
        folder = settings.data_dir / "objects"
        return local_store(folder), folder
    return S3Store(
        settings.s3_bucket,
        prefix=settings.s3_prefix or None,
        endpoint=settings.s3_endpoint or None,
        region=settings.s3_region,
        access_key_id=os.environ.get("AWS_ACCESS_KEY_ID"),
        secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY"),
        virtual_hosted_style_request=False,
        client_options={"allow_http": True, "timeout": timedelta(seconds=_REQUEST_S)},
        retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=_RETRY_S)},
    ), None


async def _wrapping(settings: StorageSettings) -> WrappingKeys:
    return await wrapping_keys(
        settings.data_dir / "keys",
        file=settings.key_file,
        command=settings.key_command,
        older=settings.older_key_files,
    )
