"""Characters that some targets cannot hold."""

import json

import pytest

from gateway.sinks.rows.escapes import replace_unstorable


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(r'"a\u0000b"', r'"a\ufffdb"', id="nul"),
        pytest.param(r'"\\u0000"', r'"\\u0000"', id="a-backslash-before-u0000"),
        pytest.param(r'"\\\u0000"', r'"\\\ufffd"', id="nul-after-a-backslash"),
        pytest.param(r'"\\\\u0000\u0000"', r'"\\\\u0000\ufffd"', id="both"),
        pytest.param(r'"\ud83d\ude00"', r'"\ud83d\ude00"', id="a-pair"),
        pytest.param(r'"\uD83D\uDE00"', r'"\uD83D\uDE00"', id="a-pair-in-capitals"),
        pytest.param(r'"\ud83d"', r'"\ufffd"', id="high-alone"),
        pytest.param(r'"\ude00\ud83d"', r'"\ufffd\ufffd"', id="low-before-high"),
        pytest.param(r'"\ud83d\ud83d\ude00"', r'"\ufffd\ud83d\ude00"', id="high-before-a-pair"),
        pytest.param(r'"\\ud83d\n\""', r'"\\ud83d\n\""', id="a-backslash-before-ud83d"),
    ],
)
def test_only_what_cannot_be_stored_is_replaced(before: str, after: str) -> None:
    assert replace_unstorable(before.encode()) == after.encode()


def test_what_remains_is_json_with_the_same_keys() -> None:
    nasty = {"\x00": "\ud800", "\\u0000": "\\", "plain": ["é", "\U0001f600"]}

    found = json.loads(replace_unstorable(json.dumps(nasty).encode()))

    assert found == {"\ufffd": "\ufffd", "\\u0000": "\\", "plain": ["é", "\U0001f600"]}
