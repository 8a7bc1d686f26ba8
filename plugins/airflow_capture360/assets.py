"""Airflow assets by which one DAG triggers the next. A partition key is the key of one capture."""

from __future__ import annotations

from airflow.sdk import Asset, AssetWatcher

from airflow_capture360.triggers import LandingZoneTrigger

landing_zone = Asset(
    name="landing_zone",
    uri="capture360://landing-zone",
    group="capture360",
    watchers=[AssetWatcher(name="landing_zone_watcher", trigger=LandingZoneTrigger())],
)
captures = Asset(name="captures", uri="capture360://captures", group="capture360")
captures_to_review = Asset(name="captures_to_review", uri="capture360://captures-to-review", group="capture360")
published_captures = Asset(name="published_captures", uri="capture360://published-captures", group="capture360")
