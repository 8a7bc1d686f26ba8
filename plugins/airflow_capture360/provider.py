"""The provider entry point: the connection type `cognite_cdf` and its form, and how lineage names what lies in CDF."""

from __future__ import annotations

from typing import Any, get_args

from capture360.cdf.project_mode import DEFAULT_MODE, ModeName


def get_provider_info() -> dict[str, Any]:
    """Return the scheme of assets in CDF, and the connection type; its form shows typed fields with a Test button."""
    return {
        "package-name": "capture360",
        "name": "capture360",
        "description": "360° image captures into Cognite Data Fusion (CDF).",
        "asset-uris": [
            {
                "schemes": ["cdf"],
                "handler": None,
                "to_openlineage_converter": "airflow_capture360.lineage.to_openlineage",
            }
        ],
        "connection-types": [
            {
                "connection-type": "cognite_cdf",
                "hook-class-name": "airflow_capture360.hooks.CogniteCdfHook",
                "hook-name": "Cognite Data Fusion",
                "ui-field-behaviour": {
                    "hidden-fields": ["port", "schema"],
                    "relabeling": {
                        "host": "Cluster or base URL",
                        "login": "Client ID",
                        "password": "Client secret",
                    },
                    "placeholders": {"host": "westeurope-1, or https://westeurope-1.cognitedata.com"},
                },
                "conn-fields": {
                    "project": {
                        "label": "CDF project",
                        "schema": {"type": "string", "minLength": 1},
                    },
                    "token_url": {
                        "label": "Token URL",
                        "description": "https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token, or your own",
                        "schema": {"type": "string", "format": "uri"},
                    },
                    "scopes": {
                        "label": "Scopes",
                        "description": "Separated by blanks; <base URL>/.default when empty",
                        "schema": {"type": ["string", "null"]},
                    },
                    "audience": {
                        "label": "Audience",
                        "description": "Only if the identity provider requires one",
                        "schema": {"type": ["string", "null"]},
                    },
                    "expires": {
                        "label": "Expires on",
                        "description": "Last day of the password, so that captures_watch reminds you in time",
                        "schema": {"type": ["string", "null"], "format": "date"},
                    },
                    "mode": {
                        "label": "Project mode",
                        "description": "Where the project keeps assets and images",
                        "schema": {"type": "string", "enum": list(get_args(ModeName)), "default": DEFAULT_MODE},
                    },
                },
            }
        ],
    }
