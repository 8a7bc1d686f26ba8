"""Values of every property type: what is refused, and the form in which the rest is kept."""

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdf_sandbox.services.data_modeling.property_types import KINDS, PropertyType, ValueMismatch, parse_type

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(kind=st.sampled_from(sorted(KINDS)), is_list=st.booleans(), value=json_values)
def test_a_checked_value_is_its_own_normal_form(kind: str, is_list: bool, value: Any) -> None:
    type_ = PropertyType(kind, is_list, enum_values=frozenset({"a"}))
    try:
        checked = type_.check(value)
    except ValueMismatch as refused:
        assert str(refused)
    else:
        assert type_.check(checked) == checked and isinstance(checked, list) >= is_list


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_single_precision_keeps_what_fits(value: float) -> None:
    kept = PropertyType("float32").check(value)
    assert np.float32(kept) == np.float32(value)
    assert len(_digits(kept)) <= len(_digits(value))


def _digits(number: float) -> tuple[int, ...]:
    return Decimal(repr(number)).normalize().as_tuple().digits


@given(
    moment=st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)),
    offset=st.integers(-14 * 60, 14 * 60),
)
def test_timestamps_are_kept_in_utc_with_milliseconds(moment: datetime, offset: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    kept = PropertyType("timestamp").check(aware.isoformat(timespec="milliseconds"))
    expected = aware.astimezone(UTC)
    assert kept == f"{expected.isoformat(timespec='milliseconds')}" and kept.endswith("+00:00")


@pytest.mark.parametrize("zone", ["+02", "+0200", "+02:00"])
def test_forms_of_a_time_zone(zone: str) -> None:
    assert PropertyType("timestamp").check(f"2026-01-01T02:00:00.1{zone}") == "2026-01-01T00:00:00.100+00:00"


@pytest.mark.parametrize(
    ("wire", "value", "words"),
    [
        ({"type": "text", "maxTextSize": 3}, "ææ", "exceeds 3 bytes"),
        ({"type": "float32"}, 3.5e38, "out of the range of float32"),
        ({"type": "float64"}, 10**309, "out of the range of float64"),
        ({"type": "float64"}, math.inf, "out of the range"),
        ({"type": "int32"}, -(2**31) - 1, "out of the range of int32"),
        ({"type": "int64"}, 2**63, "out of the range of int64"),
        ({"type": "int64"}, 1.0, "expected int64, got 1.0"),
        ({"type": "int64"}, True, "expected int64, got true"),
        ({"type": "boolean"}, 1, "expected boolean, got 1"),
        ({"type": "timestamp"}, "2026-01-01", "expected a timestamp"),
        ({"type": "timestamp"}, "2026-01-01 00:00:00", "expected a timestamp"),
        ({"type": "timestamp"}, "2026-01-01T00:00:00.1234Z", "expected a timestamp"),
        ({"type": "timestamp"}, "2026-01-01T00:00:00.123456+00:00", "expected a timestamp"),
        ({"type": "timestamp"}, "2026-01-01T24:00:00Z", "no timestamp that exists"),
        ({"type": "timestamp"}, "0001-01-01T00:00:00+14:00", "no timestamp that exists"),
        ({"type": "date"}, "2026-02-29", "no date that exists"),
        ({"type": "date"}, "26-02-01", "expected a date"),
        ({"type": "json"}, [1], "expected a JSON object, got [1]"),
        ({"type": "json", "list": True}, [[1]], "expected a JSON object, got [1]"),
        ({"type": "json"}, {"k" * 129: 1}, "exceeds 128 characters"),
        ({"type": "json"}, {str(n): n for n in range(257)}, "more than 256 keys"),
        ({"type": "json"}, {"k": "x" * 10_241}, "exceeds 10240 bytes"),
        ({"type": "direct"}, {"space": "1s", "externalId": "a"}, "not a valid space"),
        ({"type": "direct"}, {"space": "s\n", "externalId": "a"}, "not a valid space"),
        ({"type": "direct"}, {"externalId": "a", "space": "s", "x": 1}, "nothing else"),
        ({"type": "direct", "list": True}, [{"space": "s", "externalId": "a"}] * 101, "at most 100 values"),
        ({"type": "text", "list": True, "maxListSize": 2}, ["a"] * 3, "at most 2 values"),
        ({"type": "enum", "values": {"A": {}, "B": {}}}, "C", "expected one of A, B"),
        ({"type": "file"}, "", "1 to 255 characters"),
    ],
)
def test_refusals(wire: dict[str, Any], value: Any, words: str) -> None:
    with pytest.raises(ValueMismatch) as refused:
        parse_type(wire).check(value)
    assert words in str(refused.value)


def test_deep_json_is_refused() -> None:
    deep: Any = {}
    for _ in range(201):
        deep = [deep]
    with pytest.raises(ValueMismatch, match="levels deep"):
        PropertyType("json").check({"deep": deep})
