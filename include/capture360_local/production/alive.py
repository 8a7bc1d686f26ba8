"""`python -m capture360_local.production.alive JOB|worker`: a cheap health check, since it loads no Airflow.

JOB is the type of one of Airflow's jobs on this host, such as TriggererJob: its last heartbeat in the database must be
less than a minute old. `worker` pings the Celery worker of this host over the broker.
"""

from __future__ import annotations

import os
import socket
import sys

LONGEST_SILENCE_S = 60
_TIMEOUT_S = 10
_BEAT = (
    "SELECT count(*) FROM job WHERE job_type = %s AND hostname IN (%s, %s) AND state = 'running' "
    "AND latest_heartbeat > now() - make_interval(secs => %s)"
)


def job_lives(kind: str) -> bool:
    """Return whether a job of this type and host has a recent heartbeat."""
    import psycopg2

    url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("postgresql+psycopg2://", "postgresql://", 1)
    connection = psycopg2.connect(url, connect_timeout=_TIMEOUT_S)
    try:
        with connection.cursor() as cursor:
            cursor.execute(_BEAT, (kind, socket.gethostname(), socket.getfqdn(), LONGEST_SILENCE_S))
            row = cursor.fetchone()
    finally:
        connection.close()
    return bool(row and row[0])


def worker_answers() -> bool:
    """Return whether the Celery worker of this host answers a ping."""
    from kombu import Connection
    from kombu.pidbox import Mailbox

    name = f"celery@{os.environ.get('HOSTNAME') or socket.gethostname()}"
    with Connection(os.environ["AIRFLOW__CELERY__BROKER_URL"]) as connection:
        mailbox = Mailbox("celery", type="fanout", accept=["json"])(connection)
        return bool(mailbox.call([name], "ping", timeout=_TIMEOUT_S))


def main() -> int:
    """Print whether the service named in the only argument lives; return 0 if so, else 1."""
    (what,) = sys.argv[1:]
    lives = worker_answers() if what == "worker" else job_lives(what)
    silence = "has not answered a ping for" if what == "worker" else "has given no sign of life for"
    print(f"{what} lives" if lives else f"{what} {silence} {_TIMEOUT_S if what == 'worker' else LONGEST_SILENCE_S} s")
    return 0 if lives else 1


if __name__ == "__main__":
    sys.exit(main())
