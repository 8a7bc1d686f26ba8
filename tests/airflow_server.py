"""Airflow's own web server in a test, and people who log in to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.utils.db import initdb
from fastapi.testclient import TestClient


@contextmanager
def web_server() -> Iterator[TestClient]:
    """Run the server with the plugin, on the test's database."""
    from airflow.api_fastapi.app import create_app

    initdb()
    with TestClient(create_app(apps="core"), base_url="http://testserver") as started:
        yield started


def login(client: TestClient, role: str | None = "VIEWER", name: str = "somebody") -> dict[str, str]:
    """The headers of a person with this role."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    manager = client.app.state.auth_manager
    return {"authorization": f"Bearer {manager.generate_jwt(SimpleAuthManagerUser(username=name, role=role))}"}
