"""Settings `e57.*`: how E57 files become panoramas."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from capture360.settings.section import Count, Duration, Number, Section, SpaceId, WholeNumber


class E57Settings(Section):
    """How E57 files become panoramas where the project mode leaves a choice."""

    extraction: Literal["cdf", "local"] | None = None
    """`local` extracts the panoramas here; `cdf` lets CDF do it where the manifest states nothing that CDF's extraction
    cannot apply, such as `frame.transform`: by 3D revisions, or in data modeling projects by Optimizer jobs, which are
    in beta. If not given, CDF does it, except in data modeling projects."""
    model_id: Count | None = None
    """Id of the 3D model whose revisions are made; found or created for each capture if not given. Not for data
    modeling projects."""
    space: SpaceId | None = None
    """Instance space that CDF extracts into; a space of its own for each capture if not given. Captures that share
    one are extracted one after the other, unless it is by Optimizer jobs."""
    options: Literal["text", "boolean"] = "text"
    """Whether `extractPhotosphereImages` is sent as "true", as Cognite's guide prints it, or as true."""
    pipeline_version: str | None = None
    """Version of CDF's processing pipeline that is asked for; CDF's default if not given."""
    cdf_version: str | None = None
    """Value of the `cdf-version` header, for options that are in beta."""
    indexing_options: Mapping[str, str | bool | WholeNumber | Number] = {}
    """Options that are sent along with `extractPhotosphereImages` and `dmsInstancesSpaceId`."""
    deadline: Duration = timedelta(hours=12)
    """How long to wait for CDF to process a revision or a job."""
