"""Text from outside as one printable line."""

import time

import pytest

from capture360.errors import BadInputError, ConfigError
from capture360.text import near_misses, printable, visible, without_secrets


def test_long_names_are_near_none_and_cost_nothing() -> None:
    """Comparing two takes time by the square of their lengths."""
    before = time.process_time()
    assert near_misses("ab" * 40_000, ["ba" * 40_000] * 1000) == []
    assert near_misses("position", ["ba" * 40_000] * 1000 + ["postion"]) == ["postion"]
    assert time.process_time() - before < 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Büro 7", "Büro 7"),
        ("B\udcfcro", r"B\xfcro"),
        ("\ud800", r"\ud800"),
        ("a\nb\x07\x1b[2J", r"a\nb\x07\x1b[2J"),
        ("\u202egnp", r"\u202egnp"),
        ("全角\u3000空白", "全角\u3000空白"),
        ("x" * 400, "x" * 299 + "…"),
        ("P\u3164-1\ufe0f", r"P\u3164-1\ufe0f"),
        ("e\u0301te\u0301", "e\u0301te\u0301"),
        ("e" + "\u0301" * 9, "e" + "\u0301" * 8 + r"\u0301"),
    ],
)
def test_any_name_can_be_shown(name: str, shown: str) -> None:
    assert printable(name) == shown
    printable(name).encode()


def test_lines_stay_lines_where_a_page_wants_them() -> None:
    assert visible("a\nb\x07", kept="\n") == "a\nb\\x07"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("PUT https://b.s3.amazonaws.com/k?X-Amz-Signature=abc failed", "PUT https://b.s3.amazonaws.com/k?… failed"),
        ("Max retries exceeded with url: /c/b?sv=1&sig=abc", "Max retries exceeded with url: /c/b?…"),
        ("https://x.blob/c?&&sig=abc", "https://x.blob/c?…"),
        ("sftp://user:p@ss@host/landing", "sftp://host/landing"),
        ("https://a:b@c.d/e", "https://c.d/e"),
        ("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc", "Authorization: Bearer …"),
        ("{'client_secret': 'abc', 'scope': 'x'}", "{'client_secret': '…', 'scope': 'x'}"),
        ("grant_type=x&client_secret=abc&scope=y", "grant_type=x&client_secret=…&scope=y"),
        ("AccountName=a;AccountKey=abc==;Endpoint=x", "AccountName=a;AccountKey=…;Endpoint=x"),
        ("images/q?x=1.jpg is empty. Is https://a.b/c there?", "images/q?x=1.jpg is empty. Is https://a.b/c there?"),
        ("zip://a.zip::https://h/x?a=b", "zip://a.zip::https://h/x?…"),
        ("abfs://c@a.dfs/x?sv=1&sig=abc", "abfs://a.dfs/x?…"),
        ("s3://key:abc@bucket/x?AccessKey=abc", "s3://bucket/x?…"),
        ("{'Authorization': 'Basic abc'}", "{'Authorization': 'Basic …'}"),
        ("(b'Authorization', b'Basic abc')", "(b'Authorization', b'Basic …')"),
        ("it sent Basic dXNlcjpwYXNzd29yZA== there", "it sent Basic … there"),
        ('{"token": "abc"}', '{"token": "…"}'),
        ("token: eyJhbGciOiJIUzI1NiJ9", "token: …"),
        ("X-Amz-Security-Token=abc&X-Amz-Signature=abc", "X-Amz-Security-Token=…&X-Amz-Signature=…"),
        ("SharedAccessSignature=sv=1&sig=abc", "SharedAccessSignature=sv=1&sig=…"),
        ("aws_secret_access_key = abc, Pwd=abc;", "aws_secret_access_key = …, Pwd=…;"),
        ("password='a b c', user=x", "password='…', user=x"),
        ('{"password": "a\\"b c", "x": 1}', '{"password": "…", "x": 1}'),
        ("password=a\\b, user=x", "password=…, user=x"),
        (
            '"{\\"client_secret\\": \\"a b\\", \\"scope\\": \\"x\\"}"',
            '"{\\"client_secret\\": \\"…\\", \\"scope\\": \\"x\\"}"',
        ),
        ("{'password': '', 'user': 'x'}", None),
        ("it got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.abc-_x back", "it got … back"),
        ("api-key: abc, X-API-Key: abc, apikey=abc", "api-key: …, X-API-Key: …, apikey=…"),
        ("sessionToken=abc secret=abc client-secret: abc", "sessionToken=… secret=… client-secret: …"),
        ("secret: the password is not set, secret of the API key", None),
        ("eyJ.jpg and eyJhbGciOiJIUzI1NiJ9.jpg", None),
        ("station Basic process-control-room-1 is missing", None),
        ('"Basic Process/Control/Room 1", "BASIC PROCESSCONTROLROOM1"', None),
        ('column "token: pump", "nonce: 7", "signature: A. Smith"', None),
        ("s3://bucket/cap/A?B.jpg and gs://b/what?.jpg, sftp://h/a?b=1.jpg", None),
        ("the design=1, zsig=2, authorization failed for my-plant", None),
        ("the client id or secret is refused, the token endpoint gave no token", None),
        ("a bearer plate, basic checks of tokens: 7 stations", None),
    ],
)
def test_secrets_are_left_out_and_nothing_else(text: str, shown: str | None) -> None:
    assert without_secrets(text) == (text if shown is None else shown)


@pytest.mark.parametrize(
    "text",
    [
        "?" * 200_000,
        "://" * 70_000,
        "?a" * 100_000,
        "://a@" * 50_000,
        "token " * 30_000,
        'pwd="' * 30_000,
        "pwd='\\'" * 30_000,
        'pwd=\\"' * 30_000,
        "eyJ" * 60_000,
        "eyJabcdefghij." * 20_000,
        "secret:" * 30_000,
    ],
)
def test_a_long_text_is_searched_once(text: str) -> None:
    began = time.process_time()
    without_secrets(text)
    assert time.process_time() - began < 5


def test_an_error_is_one_line_that_a_terminal_can_show() -> None:
    error = BadInputError("\x1b]0;x\x07a\nb \u202egnp https://u:p@h/x?sig=1 " + "x" * 9_000)
    assert str(error).startswith(r"\x1b]0;x\x07a\nb \u202egnp https://h/x?… xxx")
    assert len(str(error)) == len(error.message) == 4_000
    assert str(ConfigError("images/ä.jpg is wrong.")) == "images/ä.jpg is wrong."
