"""Who may see which sites, by `readers` in the register: asked before every route of a site, and by every list."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

from airflow_capture360.web.site_register import site_register
from capture360.errors import ConfigError
from capture360.settings.register import Register, UnknownSiteError

log = logging.getLogger(__name__)


def require_site(user: BaseUser, site: str) -> None:
    """Raise UnknownSiteError for a site that this user may not see, as for one that does not exist."""
    if not _may_see(user, site_register(), site):
        raise UnknownSiteError(f"{user.get_name()} is not among the readers of site {site}.")


def seen_sites(user: BaseUser, register: Register) -> Sequence[str]:
    """Return the sites that this user may see; those whose readers cannot be read are left out."""
    found = []
    for site in register.site_ids:
        try:
            if _may_see(user, register, site):
                found.append(site)
        except ConfigError as error:
            log.warning("%s is not shown: %s", site, error)
    return found


def _may_see(user: BaseUser, register: Register, site: str) -> bool:
    readers = register.readers(site)
    return readers is None or readers.include(user.get_name(), _roles_of(user))


def _roles_of(user: BaseUser) -> Collection[str]:
    """Return the names of a user's roles: FAB has several, the simple authentication manager one, others tell none."""
    roles = getattr(user, "roles", None) or [getattr(user, "role", None)]
    return {str(getattr(role, "name", role)) for role in roles if role is not None}
