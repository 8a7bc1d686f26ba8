"""Capabilities of a token, by space or data set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cdf_sandbox.core.capabilities import scoped
from cdf_sandbox.core.errors import MissingCapability

_DATA_SETS = "datasetsAcl"


@dataclass(frozen=True)
class Access:
    """What one request's token may do.

    `protected` are the ids (as text) of the data sets with write protection, `groups` those of the caller's groups.
    """

    client_id: str
    capabilities: list[dict[str, Any]]
    protected: frozenset[str] = frozenset()
    groups: tuple[int, ...] = ()

    def scopes(self, acl: str, action: str) -> list[Mapping[str, Any]]:
        """Scopes in which `action` is granted; everything that is asked of a token is asked here."""
        return [
            capability[acl]["scope"]
            for capability in self.capabilities
            if acl in capability and action in capability[acl]["actions"]
        ]

    def spaces(self, acl: str, action: str) -> frozenset[str] | None:
        """Spaces in which `action` is allowed; `None` means every space."""
        return self.named(acl, action, "spaces")

    def data_sets(self, acl: str, action: str) -> frozenset[str] | None:
        """Data set ids (as text) for which `action` is allowed; `None` means all, those without one included."""
        return self.named(acl, action, "data_sets")

    def categories(self, action: str = "MEMBEROF") -> frozenset[str] | None:
        """Ids (as text) of the security categories for which `action` is allowed; `None` means all."""
        return self.named("securityCategoriesAcl", action, "security_categories")

    def require_categories(self, category_ids: Iterable[int], action: str = "MEMBEROF") -> None:
        """Refuse with 403 unless the caller is a member of every category, or may do `action` with it."""
        member = self.categories(action)
        denied = sorted({str(each) for each in category_ids} - member) if member is not None else []
        if denied:
            raise MissingCapability("securityCategoriesAcl", action, f"security categories {', '.join(denied)}")

    def named(self, acl: str, action: str, kind: str) -> frozenset[str] | None:
        """Ids (as text) of what `action` is allowed for, of a `kind` that scopes name; `None` means everything."""
        scopes = self.scopes(acl, action)
        if any("all" in scope for scope in scopes):
            return None
        return frozenset(value for scope in scopes for each, value in scoped(acl, scope) if each == kind)

    def allows(self, acl: str, action: str) -> bool:
        """Whether `action` is allowed in some scope."""
        return bool(self.scopes(acl, action))

    def require(self, acl: str, action: str) -> None:
        """Refuse with 403 unless `action` is allowed in some scope."""
        if not self.allows(acl, action):
            raise MissingCapability(acl, action)

    def require_everywhere(self, acl: str, action: str) -> None:
        """Refuse with 403 unless `action` is allowed with scope `all`, as for what no narrower scope can name."""
        self.require(acl, action)
        if not any("all" in scope for scope in self.scopes(acl, action)):
            raise MissingCapability(acl, action, "scope all")

    def require_spaces(self, acl: str, action: str, spaces: Iterable[str]) -> None:
        """Refuse with 403 unless `action` is allowed in each of `spaces`."""
        self.require(acl, action)
        allowed = self.spaces(acl, action)
        denied = sorted(set(spaces) - allowed) if allowed is not None else []
        if denied:
            raise MissingCapability(acl, action, f"spaces {', '.join(denied)}")

    def require_data_sets(self, acl: str, action: str, data_set_ids: Iterable[int | None]) -> None:
        """Refuse with 403 unless `action` is allowed for each data set; `None` stands for having none.

        Changes in a data set with write protection need an owner of the data set.
        """
        data_set_ids = list(data_set_ids)
        self.require(acl, action)
        if action != "READ" and acl != _DATA_SETS:
            self.require_owner(data_set_ids)
        allowed = self.data_sets(acl, action)
        if allowed is None:
            return
        denied = sorted({"without data set" if i is None else str(i) for i in data_set_ids if str(i) not in allowed})
        if denied:
            raise MissingCapability(acl, action, f"data sets {', '.join(denied)}")

    def require_owner(self, data_set_ids: Iterable[int | None]) -> None:
        """Refuse with 403 unless the caller owns those of the data sets that have write protection."""
        protected = self.protected & {str(i) for i in data_set_ids}
        owned = self.data_sets(_DATA_SETS, "OWNER")
        denied = sorted(protected - owned) if owned is not None else []
        if denied:
            raise MissingCapability(_DATA_SETS, "OWNER", f"write protected data sets {', '.join(denied)}")
