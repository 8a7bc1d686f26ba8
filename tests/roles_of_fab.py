"""Ask Airflow's own web server what each role of FAB may do, and who sees a site with readers; print both as JSON.

A process of its own: Airflow has one authentication manager a process, and the other tests use the simple one.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ROLES = ("Viewer", "User", "Op", "Admin")
PASSWORD = "the password of a test"
CAPTURE = "hall-7/walk-1"
RUN = {"logical_date": None, "conf": {"capture": CAPTURE}}
RANGE = {"dag_id": "captures_backfill", "from_date": "2020-01-01T00:00:00Z", "to_date": "2020-01-01T00:00:00Z"}
ANSWER = {"review": "0" * 16, "answers": [{"plate": "0" * 16, "version": 0, "choice": "leave"}]}
TASK = "dagRuns/no_run/taskInstances/approve/-1/hitlDetails"
ACTIONS: dict[str, list[tuple[str, str, Any]]] = {
    "see captures, panoramas, reports, digests, health": [
        ("GET", f"/capture360/{page}", None)
        for page in (
            "captures",
            f"captures/{CAPTURE}",
            f"view/{CAPTURE}",
            f"reports/{CAPTURE}/f1/validation.html",
            "digest/hall-7",
            "health",
        )
    ],
    "see runs and logs": [
        ("GET", f"/api/v2/dags/{dag}/dagRuns", None)
        for dag in ("captures_ingest", "captures_backfill", "captures_retract", "captures_review")
    ],
    "see a review": [("GET", f"/capture360/review/{CAPTURE}", None)],
    "decide plate by plate": [
        ("POST", f"/capture360/review/{CAPTURE}/answers", ANSWER),
        ("POST", f"/capture360/review/{CAPTURE}/finish", {"review": "0" * 16}),
    ],
    "answer Required Actions": [
        ("PATCH", f"/api/v2/dags/{dag}/{TASK}", {"chosen_options": ["x"], "params_input": {}})
        for dag in ("captures_review", "captures_retract")
    ],
    "trigger": [
        ("POST", f"/api/v2/dags/{dag}/dagRuns", RUN)
        for dag in ("captures_ingest", "captures_review", "captures_retract")
    ],
    "backfill": [("POST", "/api/v2/backfills/dry_run", RANGE), ("POST", "/api/v2/backfills", RANGE)],
    "pause and clear": [
        ("PATCH", "/api/v2/dags/captures_ingest", {"is_paused": False}),
        ("POST", "/api/v2/dags/captures_ingest/clearTaskInstances", {"dry_run": True, "only_failed": True}),
    ],
    "connections and pools": [
        ("GET", "/api/v2/connections", None),
        ("PATCH", "/api/v2/pools/default_pool", {"slots": 128}),
    ],
    "users and roles": [("GET", "/auth/fab/v1/users", None)],
}
"""By what a person does, the requests for it. A role may if the answer is not 403, whatever else it is."""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="capture360-roles-") as folder:
        _configure(Path(folder))
        print(json.dumps(_asked()))


def _configure(home: Path) -> None:
    site = f"space: captures, landing: {{url: {home}/landing}}"
    (home / "sites.yaml").write_text(
        f"records: {home}/records\n"
        f"sites: {{hall-7: {{{site}}}, hall-8: {{{site}, readers: {{roles: [Op], users: [User]}}}}}}\n"
    )
    os.environ.update(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__AUTH_MANAGER="airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home / 'airflow.db'}",
        AIRFLOW__API_AUTH__JWT_SECRET="a secret of the tests that is long enough for sha512, sixty-four characters",
        AIRFLOW__FAB__UPDATE_FAB_PERMS="True",
        CAPTURE360_CONFIG=str(home / "sites.yaml"),
    )


def _asked() -> tuple[dict[str, dict[str, list[int]]], dict[str, int]]:
    from airflow.api_fastapi.app import create_app
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.utils.db import initdb
    from fastapi.testclient import TestClient

    initdb()
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(DagBag(str(ROOT / "dags")), "dags-folder", None)
    with get_application_builder() as builder:
        for role in ROLES:
            builder.sm.add_user(role, role, role, f"{role}@example.com", builder.sm.find_role(role), PASSWORD)
    application = create_app(apps="core")
    found: dict[str, dict[str, list[int]]] = {}
    of_op: dict[str, int] = {}
    with TestClient(application, base_url="http://testserver", raise_server_exceptions=False) as client:
        for role in ("nobody", *ROLES):
            headers = {} if role == "nobody" else _login(client, role)
            found[role] = {
                what: [client.request(method, path, json=body, headers=headers).status_code
                       for method, path, body in requests]
                for what, requests in ACTIONS.items()
            }  # fmt: skip
            of_op[role] = client.get("/capture360/digest/hall-8", headers=headers).status_code
    return found, of_op


def _login(client: Any, role: str) -> dict[str, str]:
    answer = client.post("/auth/token", json={"username": role, "password": PASSWORD})
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


if __name__ == "__main__":
    sys.exit(main())
