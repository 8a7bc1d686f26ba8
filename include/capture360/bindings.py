"""The CDF project that a site's records belong to, and the mode in which it is written: one document for each site."""

from __future__ import annotations

from datetime import UTC, datetime

from capture360.errors import ConfigError
from capture360.record_forms.check import wrong_form
from capture360.store import DocumentStore, StateDocument, json_content

PROJECTS = "projects"


class Bindings:
    """The documents below `projects` in the records: <site>.json."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def refuse_other(self, site: str, cluster: str, project: str) -> None:
        """Raise ConfigError if the site's records belong to another CDF project."""
        bound = self._bound(site)
        if bound is not None and (bound["cluster"], bound["project"]) != (cluster, project):
            raise ConfigError(
                f"{self._store.url} holds the records of site {site} in project {bound['project']} on "
                f"{bound['cluster']}, but the connection leads to project {project} on {cluster}. Use the connection "
                "that belongs to the records, or another folder for the records."
            )

    def bind(self, site: str, cluster: str, project: str) -> None:
        """Bind the site's records to this CDF project; ConfigError if they are bound to another."""
        document = {"cluster": cluster, "project": project, "at": datetime.now(UTC).isoformat()}
        if self._store.exists(path := _path(site)) or not self._store.create(path, json_content(document)):
            self.refuse_other(site, cluster, project)

    def mode(self, site: str) -> str | None:
        """Return the mode in which the site was written last; None if it was not since modes are noted."""
        bound = self._bound(site)
        return bound.get("mode") if bound is not None else None

    def bind_mode(self, site: str, mode: str) -> None:
        """Note in the site's records, which are bound to a project, in which mode it is written."""
        bound = self._bound(site)
        if bound is not None and bound.get("mode") != mode:
            self._store.put(_path(site), json_content({**bound, "mode": mode}))

    def _bound(self, site: str) -> StateDocument | None:
        document = self._store.document(path := _path(site))
        if document is not None and (problem := wrong_form("binding", "", document)):
            raise self._store.broken(path, problem)
        return document


def _path(site: str) -> str:
    return f"{PROJECTS}/{site}.json"
