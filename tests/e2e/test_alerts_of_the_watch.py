"""What captures_watch finds of a real Airflow, and the alerts that arrive."""

from __future__ import annotations

from alert_receiver import receiving
from running_stack import RunningStack

WATCH = "captures_watch"


def test_a_look_says_what_is_paused_and_a_test_alert_arrives(stack: RunningStack) -> None:
    with receiving() as receiver:
        address = f"http://127.0.0.1:{receiver.server_port}/alerts"
        connection = {"connection_id": "capture360_alerts", "conn_type": "generic", "password": address}
        stack.api.request("POST", "/connections", json=connection)
        stack.api.pause(WATCH, False)
        try:
            run = stack.api.trigger(WATCH, {"test_alert": True})
            stack.until(lambda: stack.api.run(WATCH, run)["state"] in {"success", "failed"}, "the end of a look")
        finally:
            stack.api.pause(WATCH, True)
            stack.api.request("DELETE", "/connections/capture360_alerts")
        assert stack.api.run(WATCH, run)["state"] == "success", stack.api.task_instances(WATCH, run)
    titles = [text.partition("\n")[0] for text in receiver.texts]
    assert titles.count("capture360: test alert") == 1
    assert [title for title in titles if title.endswith("captures_reconcile: a DAG is paused")]
    assert address not in stack.api.log(WATCH, run, "send_alerts", 1)
