"""Forms that cannot be read, or are meant to cost much, through the front door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import Door
from tests.dialects.webhook.shops import FORM, MULTIPART, multipart, properties, send, shop


@pytest.mark.parametrize(
    ("body", "content_type", "details"),
    [
        (b"payload", FORM, ""),
        (b"hello world", FORM, ""),
        (b"", FORM, ""),
        (b"a=1", "text/plain", ""),
        (b"&".join([b"a=1"] * 1001), FORM, "1000 fields"),
        (multipart(*[("name=a", "1")] * 1001), MULTIPART, "1000 fields"),
        (multipart(("name=a", "1"))[:-8], MULTIPART, "cut off"),
        (multipart(("name=a", "1")), "multipart/form-data; boundary=YY", "cut off"),
        (multipart(("name=a", "1")), "multipart/form-data", "cut off"),
        (multipart(("name=a", "1")), "multipart/form-data; boundary=é", "cut off"),
        (multipart((f'name="{"a" * 2000}"', "1")), MULTIPART, "1024 bytes"),
        (b"a=1", FORM + "; a=" + "b" * 2000, "1024 bytes"),
        (multipart(("name=a" + ";" * 33, "1")), MULTIPART, "complicated"),
        (multipart(("name*=utf-8''a; name*0=b", "1")), MULTIPART, "parameter"),
        (multipart(("name=a", "1")), MULTIPART + "; boundary*=b; boundary*0=c", "parameter"),
    ],
    ids=[
        "no field",
        "a text",
        "nothing",
        "another type",
        "too many fields",
        "too many parts",
        "cut off",
        "another boundary",
        "no boundary",
        "a boundary that is not ASCII",
        "a long head",
        "a long type",
        "semicolons",
        "a name in two spellings of RFC 2231",
        "a boundary in two of them",
    ],
)
def test_what_is_neither_form_nor_json_is_refused(body: bytes, content_type: str, details: str) -> None:
    answer = send(Door(shop()), body, content_type)

    assert (answer.status, answer.json["code"]) == (400, "unreadable_body")
    assert details in answer.json["Errors"][0]["Details"]


PIECES = st.sampled_from(
    [
        *("name", "filename", "boundary", "charset", "multipart/form-data", FORM, "--XX", "XX", "utf-7", "é"),
        *("=", "*", "0", "'", '"', "\\", ";", ":", " ", "%", "%e2", "&", "+2AA-", "[", "\\ud800"),
        *("\r\n", "\n", "\r\n\r\n", "Content-Disposition: form-data; name=", "\0", "a"),
    ]
)
TEXT = st.lists(PIECES, max_size=20).map("".join)


@given(st.sampled_from([FORM, f"{MULTIPART};", "multipart/form-data; boundary"]), TEXT, TEXT)
def test_any_form_is_answered(content_type: str, parameters: str, text: str) -> None:
    door = Door(shop(fields={"event": "Form", "user_id": "u1", "properties": "$"}))
    header = (content_type + parameters).replace("\r", "").replace("\n", "")

    answers = [
        send(door, body.encode("latin-1"), header)
        for body in (text, f"--XX\r\nContent-Disposition: form-data; {text}\r\n\r\na\r\n--XX--")
    ]

    assert {answer.status for answer in answers} <= {200, 400}


def test_1000_fields_are_not_too_many() -> None:
    assert len(properties(b"&".join(b"a%d=1" % number for number in range(1000)))) == 1000
    assert (
        len(properties(multipart(*[(f"name=a{number}", "1") for number in range(1000)]), MULTIPART)) == 1000
    )
