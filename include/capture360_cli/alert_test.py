"""`capture360 alert-test`: send a test message to the addresses of alerts."""

from __future__ import annotations


def alert_test() -> None:
    """Send a test alert to the addresses of the Airflow connection `capture360_alerts`.

    The connection is looked for where Airflow's tasks look outside of its database: AIRFLOW_CONN_CAPTURE360_ALERTS, and
    the secrets backend. One in the database is tested by triggering captures_watch with `test_alert`.
    """
    import os

    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
    from airflow_capture360.alerts import send_test

    send_test()
    print("The test alert was sent.")
