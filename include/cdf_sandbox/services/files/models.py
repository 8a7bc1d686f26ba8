"""Bodies of the Files API."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field
from typing_extensions import override

from cdf_sandbox.core.geo import GeoLocation, GeoLocationFilter
from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import (
    NO_NUL,
    ClassicId,
    EpochMs,
    ExternalId,
    FileId,
    InternalId,
    each_once,
    metadata_checker,
    text,
)
from cdf_sandbox.core.paging import PageRequest
from cdf_sandbox.core.patches import ArrayPatch, ObjectPatch, Patch
from cdf_sandbox.core.query import Integers, JsonIntegers, JsonTexts, ListQuery, Objects, by_ids
from cdf_sandbox.core.sql import Label, LabelFilter, LabelsPatch, TimeRange


def _absolute(directory: str) -> str:
    if not directory.startswith("/"):
        raise ValueError("directory must be an absolute, unix-style path")
    return directory


Name = Annotated[str, text(256, minimum=1)]
Directory = Annotated[str, text(512), AfterValidator(_absolute)]
Source = Annotated[str, text(128)]
MimeType = Annotated[str, Field(max_length=256, pattern=r"^[\x20-\x7e]*$")]
Metadata = Annotated[
    dict[Annotated[str, Field(pattern=NO_NUL)], Annotated[str, Field(pattern=NO_NUL)]],
    metadata_checker(key_bytes=128, value_bytes=10240, pairs=256, total_bytes=10240),
]


class FileWrite(StrictModel):
    """The metadata of a file to create."""

    name: Name
    external_id: ExternalId | None = None
    directory: Directory | None = None
    source: Source | None = None
    mime_type: MimeType | None = None
    metadata: Metadata | None = None
    asset_ids: Annotated[list[InternalId] | None, Field(min_length=1, max_length=1000)] = None
    data_set_id: InternalId | None = None
    source_created_time: EpochMs | None = None
    source_modified_time: EpochMs | None = None
    security_categories: Annotated[list[InternalId] | None, Field(max_length=100)] = None
    labels: Annotated[list[Label] | None, Field(max_length=10), each_once] = None
    geo_location: GeoLocation | None = None


class DownloadIds(StrictModel):
    """Files to make download links for."""

    items: Annotated[list[FileId], Field(min_length=1, max_length=100)]


class UploadId(FileId):
    """Either `externalId` or `instanceId`."""

    id: None = None

    @classmethod
    @override
    def _names(cls) -> tuple[str, ...]:
        return ("external_id", "instance_id")


class UploadIds(StrictModel):
    """The one file to make upload links for."""

    items: Annotated[list[UploadId], Field(min_length=1, max_length=1)]


class CompleteUpload(FileId):
    """The end of a multipart upload."""

    upload_id: str


Ids = Annotated[list[ClassicId], Field(min_length=1, max_length=100), each_once]


class FileFilter(StrictModel):
    """Filter of listed files; all fields must match."""

    name: Annotated[str, text(256)] | None = None
    directory_prefix: Annotated[str, text(512)] | None = None
    mime_type: Annotated[str, text(256)] | None = None
    metadata: dict[str, str] | None = None
    asset_ids: Annotated[list[InternalId] | None, Field(min_length=1, max_length=100), each_once] = None
    asset_external_ids: Annotated[list[ExternalId] | None, Field(min_length=1, max_length=100), each_once] = None
    root_asset_ids: Ids | None = None
    asset_subtree_ids: Ids | None = None
    data_set_ids: Annotated[list[ClassicId] | None, Field(max_length=100), each_once] = None
    source: Annotated[str, text(128)] | None = None
    created_time: TimeRange | None = None
    last_updated_time: TimeRange | None = None
    uploaded_time: TimeRange | None = None
    source_created_time: TimeRange | None = None
    source_modified_time: TimeRange | None = None
    external_id_prefix: Annotated[str, text(255)] | None = None
    uploaded: bool | None = None
    labels: LabelFilter | None = None
    geo_location: GeoLocationFilter | None = None


class FileList(PageRequest):
    """A page of files."""

    filter: FileFilter | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: str | None = None
    partition: str | None = None


class FileQuery(ListQuery):
    """The query string of a list of files."""

    mime_type: str | None = None
    asset_ids: Integers = None
    asset_external_ids: JsonTexts = None
    data_set_ids: Objects = None
    root_asset_ids: JsonIntegers = None
    min_uploaded_time: int | None = None
    max_uploaded_time: int | None = None
    min_source_created_time: int | None = None
    max_source_created_time: int | None = None
    min_source_modified_time: int | None = None
    max_source_modified_time: int | None = None
    uploaded: bool | None = None

    @override
    def _filter(self) -> dict[str, Any]:
        return super()._filter() | {
            "mimeType": self.mime_type,
            "assetIds": self.asset_ids,
            "assetExternalIds": self.asset_external_ids,
            "dataSetIds": self.data_set_ids,
            "rootAssetIds": by_ids(self.root_asset_ids),
            "uploadedTime": self._times("uploaded"),
            "sourceCreatedTime": self._times("source_created"),
            "sourceModifiedTime": self._times("source_modified"),
            "uploaded": self.uploaded,
        }


class FileSearch(StrictModel):
    """Files by the words of their name."""

    class Search(StrictModel):
        """Words to search for."""

        name: Annotated[str, text(256)] | None = None

    filter: FileFilter | None = None
    search: Search | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class FileAggregate(StrictModel):
    """Files to count."""

    filter: FileFilter | None = None


class FileUpdate(StrictModel):
    """Patches to the metadata of one file."""

    external_id: Patch[ExternalId] | None = None
    directory: Patch[Directory] | None = None
    source: Patch[Source] | None = None
    mime_type: Patch[MimeType] | None = None
    metadata: ObjectPatch | None = None
    asset_ids: ArrayPatch[InternalId] | None = None
    source_created_time: Patch[EpochMs] | None = None
    source_modified_time: Patch[EpochMs] | None = None
    data_set_id: Patch[InternalId] | None = None
    security_categories: ArrayPatch[InternalId] | None = None
    labels: LabelsPatch | None = None
    geo_location: Patch[GeoLocation] | None = None


class FileChange(FileId):
    """One file and its patches."""

    update: FileUpdate
