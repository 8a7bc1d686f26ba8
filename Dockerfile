# Airflow with capture360. The official image brings the entrypoint, Celery, FAB, PostgreSQL and Redis.
FROM apache/airflow:3.3.2-python3.11

COPY --chown=airflow:0 pyproject.toml README.md LICENSE requirements.production.lock /opt/capture360/
# Every package in the locked version, and with a hash of the lock; hatchling, which builds the project, among them. The
# lock is complete, and pip takes an extra that a package asks for (celery[redis]) as not pinned: so no dependencies.
RUN pip install --no-cache-dir --require-hashes --no-deps --requirement /opt/capture360/requirements.production.lock
COPY --chown=airflow:0 include /opt/capture360/include
COPY --chown=airflow:0 plugins/airflow_capture360 /opt/capture360/plugins/airflow_capture360
COPY --chown=airflow:0 dags /opt/capture360/dags
COPY --chown=airflow:0 config /opt/capture360/config
# Registered by entry points; Airflow must not load the files of the plugins folder one by one.
RUN pip install --no-cache-dir --no-deps --no-build-isolation /opt/capture360
COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 config /opt/airflow/config/capture360
ENV CAPTURE360_CONFIG=/opt/airflow/config/capture360/sites.yaml
# Volumes take their owner from here.
USER root
RUN mkdir -p /opt/captures/landing /opt/captures/records /sandbox && chown -R airflow:0 /opt/captures /sandbox
USER airflow
