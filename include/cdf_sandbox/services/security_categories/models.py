"""Bodies of the Security categories API."""

from typing import Annotated

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import text


class SecurityCategoryWrite(StrictModel):
    """A security category to create."""

    name: Annotated[str, text(255, minimum=1)]
