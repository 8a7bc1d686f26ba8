"""What the tasks of the DAGs call: one file a DAG, each function one call into `capture360.steps`."""
