"""The steps of ingest, contextualization and review, one function each, which tasks and the command line call."""
