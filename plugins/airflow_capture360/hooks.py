"""The connection type `cognite_cdf`: one CDF project behind one Airflow connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSecretsBackendAccessDenied

from capture360.errors import AirflowUnavailableError, Capture360Error

if TYPE_CHECKING:
    from capture360.cdf.client import CdfProject, Connection


class CogniteCdfHook(BaseHook):
    """Return the CDF project that an Airflow connection describes."""

    conn_name_attr = "cdf_conn_id"
    default_conn_name = "cognite_cdf_default"
    conn_type = "cognite_cdf"
    hook_name = "Cognite Data Fusion"

    def __init__(self, cdf_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.cdf_conn_id = cdf_conn_id

    def connection(self) -> Connection:
        """Return the checked values of the connection; ConfigError names the field that is wrong.

        AirflowUnavailableError, which is retried, if Airflow does not find it.
        """
        from capture360.cdf.client import Connection

        try:
            stored = self.get_connection(self.cdf_conn_id)
        except (AirflowNotFoundException, AirflowSecretsBackendAccessDenied) as error:
            refused = isinstance(error, AirflowSecretsBackendAccessDenied)
            raise AirflowUnavailableError(
                f'Airflow {"refuses" if refused else "does not find"} the connection "{self.cdf_conn_id}". '
                "It says so while its database or secrets backend is down, too. If both are up, add a connection of "
                f"type {self.hook_name}, or correct the site's connection in the register."
            ) from None
        values = {
            **stored.extra_dejson,
            "base_url": base_url(stored.host or ""),
            "client_id": stored.login,
            "client_secret": stored.password,
        }
        return Connection.from_mapping(values, f"Airflow connection {self.cdf_conn_id}")

    def project(self) -> CdfProject:
        """Return the CDF project; its client is created at first use, so inside the task."""
        from capture360.cdf.client import CdfProject

        return CdfProject(self.connection())

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the project can be reached, and a sentence; called by the Test button."""
        from capture360.cdf.capabilities import inspect

        try:
            return True, inspect(self.connection())
        except Capture360Error as error:
            return False, str(error)


def base_url(host: str) -> str:
    """Return the base URL of a host: `westeurope-1` and `westeurope-1.cognitedata.com` both mean https://westeurope-1.cognitedata.com."""
    if not host or "://" in host:
        return host
    return f"https://{host}" if "." in host else f"https://{host}.cognitedata.com"
