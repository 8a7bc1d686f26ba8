"""Runs of an extraction pipeline, which show the results of captures in CDF and trigger its notifications.

A run in CDF has no key, so its message carries a tag of the run that it is about: it is looked up,
created and looked up again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from capture360.cdf.capabilities import Need
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.json_answers import documented_form, items_of
from capture360.cdf.no_retry import found_after_all, post_without_retry
from capture360.errors import CdfUnavailableError, ConfigError

if TYPE_CHECKING:
    from cognite.client import CogniteClient

RunStatus = Literal["success", "failure"]
NEEDS = (Need("extractionRunsAcl", "READ"), Need("extractionRunsAcl", "WRITE"), Need("datasetsAcl", "READ"))
"""Capabilities for reporting the ends of runs."""
NEEDS_OF_SENSING = (Need("extractionPipelinesAcl", "READ"),)
"""Capabilities for looking when the pipeline was last seen, beside those for reporting."""
SEEN_EVERY = timedelta(minutes=10)
"""How long a pipeline may be unseen before sensing reports to it again."""
_LONGEST_MESSAGE = 1000


class ExtractionPipeline:
    """One pipeline, by its external id."""

    def __init__(self, cdf: CdfProject, external_id: str) -> None:
        self._cdf = cdf
        self._client: CogniteClient = cdf.client
        self._external_id = external_id
        self._root = f"/api/v1/projects/{cdf.connection.project}/extpipes"

    def document(self) -> Mapping[str, Any]:
        """Return the pipeline as CDF has it; ConfigError if the project lacks it."""
        body = {"items": [{"externalId": self._external_id}], "ignoreUnknownIds": True}
        with cdf_errors(f'Looking for extraction pipeline "{self._external_id}"'):
            items = items_of(self._client.post(f"{self._root}/byids", body))
        if not items:
            raise ConfigError(
                f'Extraction pipeline "{self._external_id}" is not in project {self._cdf.connection.project}. '
                "Create it, or correct extraction_pipeline."
            )
        return dict(items[0])

    def report(self, status: RunStatus, sentence: str, link: str, run: str) -> bool:
        """Report the end of a run, unless it was reported with this status; return whether it was reported."""
        tag = run_tag(run)
        if self._has(status, tag):
            return False
        self._post(status, _message(sentence, link, tag), lambda: self._has(status, tag) or None)
        return True

    def seen(self) -> bool:
        """Report that sensing is alive, unless the pipeline was seen lately; return whether it was reported."""
        document = self.document()
        with documented_form("Reading when the extraction pipeline was seen"):
            last = datetime.fromtimestamp((document.get("lastSeen") or 0) / 1000, UTC)
        if datetime.now(UTC) - last < SEEN_EVERY:
            return False
        self._post("seen", None, lambda: None)
        return True

    def _post(self, status: str, message: str | None, look: Any) -> None:
        item = {"externalId": self._external_id, "status": status} | ({"message": message} if message else {})
        doing = f'Reporting to extraction pipeline "{self._external_id}"'
        try:
            post_without_retry(self._cdf, doing, "/extpipes/runs", {"items": [item]})
        except CdfUnavailableError:
            if status == "seen" or found_after_all(look) is None:
                raise

    def _has(self, status: RunStatus, tag: str) -> bool:
        body = {
            "filter": {"externalId": self._external_id, "statuses": [status], "message": {"substring": tag}},
            "limit": 1,
        }
        with cdf_errors(f'Reading the runs of extraction pipeline "{self._external_id}"'):
            return bool(items_of(self._client.post(f"{self._root}/runs/list", body)))


def run_tag(run: str) -> str:
    """Return the text by which a reported run is found again."""
    return f"[run {hashlib.sha256(run.encode()).hexdigest()[:12]}]"


def _message(sentence: str, link: str, tag: str) -> str:
    """Return sentence, link and tag; the sentence is cut off where CDF would refuse the whole."""
    rest = " ".join(part for part in (link, tag) if part)
    if len(rest) > _LONGEST_MESSAGE // 2:
        rest = tag
    room = _LONGEST_MESSAGE - len(rest) - 1
    cut = sentence if len(sentence) <= room else f"{sentence[: room - 1]}…"
    return f"{cut} {rest}"
