"""Functions of the DAGs' tasks: one file for each DAG, each function calls one step of `capture360.steps`."""
