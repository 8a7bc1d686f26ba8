"""A sandbox on free ports in this process, used through the SDK, for every test that needs CDF."""

from cognite.client import global_config

from cdf_sandbox.testing import PLAIN, RunningSandbox, fast_options, run_sandbox

__all__ = ["PLAIN", "RunningSandbox", "fast_options", "run_sandbox"]

global_config.disable_pypi_version_check = True
global_config.silence_feature_preview_warnings = True
