"""The table of data sets."""

from cdf_sandbox.core.documents import Documents, documents_ddl

DDL = documents_ddl("data_sets")


DATA_SETS = Documents("data_sets", "Data set")
