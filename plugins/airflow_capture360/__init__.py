"""Airflow integration of capture360. Every Airflow process imports this package, so it imports nothing heavy."""
