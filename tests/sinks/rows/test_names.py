"""Names as Segment makes them."""

import pytest

from gateway.sinks.rows.names import identifier, snake


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("lk0B@bFmjrLQ_Z6YL", "lk0_b_b_fmjr_lq_z6yl"),
        ("samPLE text", "sam_ple_text"),
        ("sample text", "sample_text"),
        ("sample-text", "sample_text"),
        ("sample___text", "sample_text"),
        ("sampleText", "sample_text"),
        ("inviteYourCustomersAddInvites", "invite_your_customers_add_invites"),
        ("   $#$sample   2    Text   ", "sample_2_text"),
        ("SAMPLE 2 TEXT", "sample_2_text"),
        ("___$$Base64Encode", "base64_encode"),
        ("FOO:BAR$BAZ", "foo_bar_baz"),
        ("something.com", "something_com"),
        ("$something%", "something"),
        ("•¶§ƒ˚foo˙∆˚¬", "foo"),
        ("CStringRef", "cstring_ref"),
        ("5test", "5test"),
        ("test5", "test5"),
        ("THE5r", "the5r"),
        ("5TEst", "5test"),
        ("@%#&5TEst", "5test"),
        ("f_pX9", "f_p_x9"),
        ("2FA Enabled", "2fa_enabled"),
        ("訂單", ""),
    ],
)
def test_a_name_is_in_snake_case(text: str, name: str) -> None:
    assert snake(text) == name


def test_a_name_that_is_too_long_is_cut_and_stays_unique() -> None:
    one, other = identifier("a" * 100), identifier("a" * 101)

    assert len(one) == len(other) == 63
    assert one[:54] == "a" * 54
    assert one != other


def test_a_name_without_a_letter_of_ascii_is_unique() -> None:
    assert identifier("訂單") != identifier("退款")
    assert identifier("訂單").startswith("unnamed_")
