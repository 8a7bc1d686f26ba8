"""The steps of a capture's way, one plain function each: called alike by DAG tasks, command line and crash tests."""
