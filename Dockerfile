# Airflow with capture360. The official image brings Celery, FAB, PostgreSQL and Redis.
ARG AIRFLOW_VERSION=3.3.2
FROM apache/airflow:${AIRFLOW_VERSION}-python3.11

ARG AIRFLOW_VERSION
# Extras of capture360: s3, gcs or azure for landing zone and records, ocr for reading text.
ARG EXTRAS=s3,ocr

COPY --chown=airflow:0 pyproject.toml README.md LICENSE requirements.lock /opt/capture360/
COPY --chown=airflow:0 include /opt/capture360/include
COPY --chown=airflow:0 plugins/airflow_capture360 /opt/capture360/plugins/airflow_capture360
# The lock pins what both know; hashes are left out, since the image has other packages besides. Celery 5.7 breaks
# Airflow's Celery provider 3.26.
RUN grep -Eo '^[A-Za-z0-9._-]+==[^ ;\\]+( *;[^\\]+)?' /opt/capture360/requirements.lock > /tmp/pins.txt \
    && pip install --no-cache-dir --constraint /tmp/pins.txt \
        "apache-airflow[celery,fab,postgres,redis]==${AIRFLOW_VERSION}" "celery<5.7" "/opt/capture360[${EXTRAS}]"
# Registered by entry points; Airflow must not load the files of the plugins folder one by one.
COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 config /opt/airflow/config/capture360
ENV CAPTURE360_CONFIG=/opt/airflow/config/capture360/sites.yaml
