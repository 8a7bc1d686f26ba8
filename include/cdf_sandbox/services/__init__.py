"""The APIs of CDF, one package each: `routes` (endpoints), `models` (bodies of requests) and `store` (tables).

A service without bodies or tables lacks that file. Work that continues after the answer stands in files of its own.
"""
