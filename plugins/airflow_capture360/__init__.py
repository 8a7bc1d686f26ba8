"""Airflow's side of capture360. Every Airflow process imports this package, so importing it imports nothing heavy."""
