"""Cases of the Files API: create, replace, refuse, find, change and link."""

from __future__ import annotations

from capture360_local.conformance.case import (
    ANYTHING,
    CREATED,
    DUPLICATED,
    MISSING,
    NOT_FOUND,
    REFUSED,
    SPACE,
    Case,
    Kept,
    Own,
    Upload,
)

_FACE = {
    "name": "front.png",
    "externalId": Own("face"),
    "directory": "/c360/conformance",
    "source": Own("source"),
    "mimeType": "image/png",
    "metadata": {"face": "front"},
}
_BY_FACE = {"items": [{"externalId": Own("face")}]}
_NOBODY = {"externalId": Own("nobody")}
_CORE_FILE = {"space": SPACE, "externalId": Own("node_file")}
_FILE_VIEW = {"type": "view", "space": "cdf_cdm", "externalId": "CogniteFile", "version": "v1"}
_CONTENT = b"\x89PNG\r\n\x1a\n" + bytes(56)


def _refused(suffix: str, **fields: object) -> dict[str, object]:
    """A file that is to be refused; its external id lets the cleaning find it where it is not."""
    return {"externalId": Own(suffix), "name": "n", **fields}


FILES = (
    Case(
        "files-create",
        "POST /files",
        CREATED,
        _FACE,
        writes="a file",
        keep={"id": "id"},
        upload=Upload("uploadUrl", _CONTENT, "image/png"),
    ),
    Case("files-uploaded-in-time", "POST /files/byids", body=_BY_FACE, until=("items.0.uploaded", True)),
    Case("files-create-duplicate", "POST /files", DUPLICATED, _FACE),
    Case("files-overwrite", "POST /files", CREATED, _FACE, query={"overwrite": "true"}, writes="the file again"),
    Case("files-create-without-name", "POST /files", REFUSED, {"externalId": Own("nobody")}),
    Case("files-metadata-number", "POST /files", REFUSED, _refused("number", metadata={"resolution": 2048})),
    Case("files-relative-directory", "POST /files", REFUSED, _refused("directory", directory="c360/conformance")),
    Case("files-unknown-data-set", "POST /files", REFUSED, _refused("data-set", dataSetId=1)),
    Case("files-get", "GET /files/{id}"),
    Case("files-byids-mixed", "POST /files/byids", body={"items": [{"id": Kept("id")}]}),
    Case("files-byids-missing", "POST /files/byids", MISSING, {"items": [_NOBODY]}),
    Case(
        "files-byids-ignore-unknown",
        "POST /files/byids",
        body={"items": [{"externalId": Own("face")}, _NOBODY], "ignoreUnknownIds": True},
    ),
    Case(
        "files-list",
        "POST /files/list",
        body={"filter": {"externalIdPrefix": Own("face"), "uploaded": True}, "limit": 10},
        until=("items.0", ANYTHING),
    ),
    Case("files-list-limit", "POST /files/list", REFUSED, {"limit": 1001}),
    Case("files-list-bad-cursor", "POST /files/list", REFUSED, {"cursor": "nonsense"}),
    Case(
        "files-search",
        "POST /files/search",
        body={"search": {"name": "front"}, "filter": {"source": Own("source")}},
        until=("items.0", ANYTHING),
    ),
    Case("files-aggregate", "POST /files/aggregate", body={"filter": {"source": Own("source")}}),
    Case(
        "files-update",
        "POST /files/update",
        body={"items": [{"externalId": Own("face"), "update": {"metadata": {"add": {"station": "s"}}}}]},
        writes="the file's metadata",
    ),
    Case(
        "files-update-missing",
        "POST /files/update",
        MISSING,
        {"items": [_NOBODY | {"update": {"source": {"set": "s"}}}]},
    ),
    Case("files-downloadlink", "POST /files/downloadlink", body=_BY_FACE),
    Case("files-downloadlink-missing", "POST /files/downloadlink", MISSING, {"items": [_NOBODY]}),
    Case(
        "files-never-uploaded",
        "POST /files",
        CREATED,
        {"name": "empty.png", "externalId": Own("empty")},
        writes="a file without content",
    ),
    Case(
        "files-downloadlink-without-content",
        "POST /files/downloadlink",
        REFUSED,
        {"items": [{"externalId": Own("empty")}]},
    ),
    Case(
        "files-multipart-begin",
        "POST /files/initmultipartupload",
        CREATED,
        {"name": "scan.e57", "externalId": Own("scan")},
        query={"parts": 1},
        writes="a file in parts",
        keep={"scanId": "id", "uploadId": "uploadId"},
        upload=Upload("uploadUrls.0", b"ASTM-E57"),
    ),
    Case(
        "files-multipart-complete",
        "POST /files/completemultipartupload",
        body={"id": Kept("scanId"), "uploadId": Kept("uploadId")},
        writes="its content",
    ),
    Case(
        "files-multipart-too-many-parts",
        "POST /files/initmultipartupload",
        REFUSED,
        _refused("parts"),
        query={"parts": 251},
    ),
    Case("files-get-unknown", "GET /files/{unknownId}", NOT_FOUND),
    Case("files-delete-missing", "POST /files/delete", MISSING, {"items": [_NOBODY]}),
)

CORE_FILES = (
    Case(
        "core-file-create",
        "POST /models/instances",
        body={
            "items": [
                {
                    "instanceType": "node",
                    **_CORE_FILE,
                    "sources": [{"source": _FILE_VIEW, "properties": {"name": "front.png", "mimeType": "image/png"}}],
                }
            ]
        },
        writes="a CogniteFile node",
    ),
    Case(
        "core-file-synchronized",
        "POST /files/byids",
        body={"items": [{"instanceId": _CORE_FILE}]},
        until=("items.0.id", ANYTHING),
    ),
    Case(
        "core-file-uploadlink",
        "POST /files/uploadlink",
        CREATED,
        {"items": [{"instanceId": _CORE_FILE}]},
        writes="its content",
        upload=Upload("items.0.uploadUrl", _CONTENT, "image/png"),
    ),
    Case(
        "core-file-uploaded-in-time",
        "POST /files/byids",
        body={"items": [{"instanceId": _CORE_FILE}]},
        until=("items.0.uploaded", True),
    ),
    Case("core-file-downloadlink", "POST /files/downloadlink", body={"items": [{"instanceId": _CORE_FILE}]}),
    Case(
        "core-file-uploadlink-missing",
        "POST /files/uploadlink",
        MISSING,
        {"items": [{"instanceId": {"space": SPACE, "externalId": Own("nobody")}}]},
    ),
)
