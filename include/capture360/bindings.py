"""The CDF project that a site's records belong to, and the mode that it is written in: one document for each site."""

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

    def refuse_other(self, site: str, cluster: str, project: str, mode: str) -> None:
        """Raise ConfigError if the site's records belong to another CDF project, or to one in another mode."""
        bound = self._bound(site)
        if bound is None:
            return
        if (bound["cluster"], bound["project"]) != (cluster, project):
            raise ConfigError(
                f"{self._store.url} holds the records of site {site} in project {bound['project']} on "
                f"{bound['cluster']}, but the connection leads to project {project} on {cluster}. Use the connection "
                "that belongs to the records, or another folder for the records."
            )
        if bound.get("mode", mode) != mode:
            raise ConfigError(
                f"Site {site} is published in project {project} in mode {bound['mode']}, but the connection says mode: "
                f"{mode}, which would write a second copy beside it. Set mode: {bound['mode']} in the connection "
                "again; to use the other one, retract the site's captures first, then name another folder for the "
                "records."
            )

    def bind(self, site: str, cluster: str, project: str, mode: str) -> None:
        """Bind the site's records to this CDF project; ConfigError if they are bound to another, or to another mode."""
        document = {"cluster": cluster, "project": project, "at": datetime.now(UTC).isoformat()}
        if self._store.exists(path := _path(site)) or not self._store.create(path, json_content(document)):
            self.refuse_other(site, cluster, project, mode)

    def bind_mode(self, site: str, mode: str) -> None:
        """Bind the site's records, which are bound to a project, to the mode that it is written in."""
        bound = self._bound(site)
        if bound is not None and "mode" not in bound:
            self._store.put(_path(site), json_content({**bound, "mode": mode}))

    def _bound(self, site: str) -> StateDocument | None:
        document = self._store.document(path := _path(site))
        if document is not None and (problem := wrong_form("binding", "", document)):
            raise self._store.broken(path, problem)
        return document


def _path(site: str) -> str:
    return f"{PROJECTS}/{site}.json"
