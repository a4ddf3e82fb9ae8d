"""Every mistake in gateway.toml is one line with file, table and key."""

import re
from pathlib import Path

import pytest

from gateway.sinks import KINDS
from tests.config.texts import VALID, mistakes, read, write

# Table, its text, where the mistake is said to be, and a part of what is said.
MISTAKES = [
    ("sever", "", "[sever]", "unknown table; did you mean server?"),
    ("zzz", "", "[zzz]", "unknown table"),
    ("server", "prot = 1", "[server] prot", "unknown key; did you mean port?"),
    ("server", "zzz = 1", "[server] zzz", "unknown key"),
    ("server", "port = 65536", "[server] port", "Expected `int` <= 65535"),
    ("server", "port = -1", "[server] port", "Expected `int` >= 0"),
    ("server", 'port = "8080"', "[server] port", "Expected `int`, got `str`"),
    ("server", 'host = ""', "[server] host", "must not be empty"),
    *(
        (table, f'host = "{host}"', f"[{table}] host", "expected an address such as")
        for table in ("server", "inspector")
        for host in ("not a host:99", "127.0.0.1:80", "[::1]", "http://a.example", "a..example", "a/b")
    ),
    ("delivery", 'max_dead = "0B"', "[delivery] max_dead", "must be more than 0B"),
    ("sinks.archive", 'kind = "null"\nbatch_bytes = "0B"', "[sinks.archive] batch_bytes", "more than 0B"),
    *(
        (f"{family}.{name}", text, f"[{family}.{shown}]", "a name has 1 to 100 printable characters")
        for family, text in (("sinks", 'kind = "null"'), ("sources", 'write_keys = ["K"]'))
        for name, shown in (
            ('""', ""),
            ('"a/b"', "a/b"),
            ('"."', "."),
            ('".."', ".."),
            ('"a\\nb"', "a\\nb"),
            ('"a\\u202Eb"', "a\\u202eb"),
            ("a" * 101, "a" * 101),
        )
    ),
    ("inspector", 'host = ""', "[inspector] host", "must not be empty"),
    ("sinks.archive", 'kind = "null"\nconsent = [""]', "[sinks.archive] consent", "must not be empty"),
    ("sinks.archive", 'kind = "null"\nevents = ["A", ""]', "[sinks.archive] events", "must not be empty"),
    ("server", "workers = 0", "[server] workers", "Expected `int` >= 1"),
    ("server", 'trusted_proxies = ["x"]', "[server] trusted_proxies", "'x' does not appear to be"),
    *(
        ("server", f'public_url = "{url}"', "[server] public_url", "expected a URL such as")
        for url in (
            "events.example.com",
            "ftp://events.example.com",
            "https://[bad",
            "https://user:secret@events.example.com",
            "https://events.example.com:port",
            "https://events.example.com/#a",
            "https://events.example.com/a b",
            "HTTPS://events.example.com",
            "https://",
        )
    ),
    ("state", 'url = "mysql://a:b@c/d"', "[state] url", "expected a URL such as"),
    ("state", 'url = "postgresql://a:b@c@d/e"', "[state] url", "must be percent-encoded"),
    ("server", 'analytics_js = "none.js"', "[server] analytics_js", "none.js: No such file or directory"),
    ("server", 'analytics_js = "gateway.toml"', "[server] analytics_js", "has no place for a key"),
    ("server", 'analytics_js = "/dev/zero"', "[server] analytics_js", "/dev/zero is not a file"),
    (
        "sources.website",
        'write_keys = ["K"]\nidentity = {cookie = "a b"}',
        "[sources.website.identity] cookie",
        "Expected `str` matching regex",
    ),
    (
        "sources.website",
        'write_keys = ["K"]\nidentity = {cokie = "a"}',
        "[sources.website.identity] cokie",
        "unknown key; did you mean cookie?",
    ),
    (
        "sources.website",
        'write_keys = ["K"]\nidentity = {domain = "é"}',
        "[sources.website.identity] domain",
        "Expected `str` matching regex",
    ),
    ("server", "host = 1", "[server] host", "Expected `str`, got `int`"),
    ("inspector", 'host = "0.0.0.0"', "[inspector] token", "required"),
    ("inspector", 'host = "example.org"', "[inspector] token", "required"),
    ("delivery", "processes = -1", "[delivery] processes", "Expected `int` >= 0"),
    ("journal", 'keep = "7 days"', "[journal] keep", "expected a duration such as"),
    ("journal", "keep = 7", "[journal] keep", "expected a duration such as"),
    ("journal", 'keep = "-1d"', "[journal] keep", "expected a duration such as"),
    ("journal", 'keep = "20GB"', "[journal] keep", "expected a duration such as"),
    ("journal", 'max_size = "20gb"', "[journal] max_size", "expected a size such as"),
    ("journal", "max_size = 1000000000", "[journal] max_size", "expected a size such as"),
    ("journal", 'max_size = "1023KB"', "[journal] max_size", "must be at least 1MB"),
    ("journal", f'max_size = "{"9" * 400}GB"', "[journal] max_size", ""),
    ("journal", 'path = ""', "[journal] path", "expected a path"),
    ("journal", "path = 1", "[journal] path", "expected a path"),
    ("journal", 'path = "~nobody-of-this-name/x"', "[journal] path", ""),
    ("sources.website", "", "[sources.website] write_keys", "missing"),
    ("sources.website", "write_keys = []", "[sources.website] write_keys", "there must be at least one"),
    ("sources.website", 'write_keys = [""]', "[sources.website] write_keys", "none may be empty"),
    ("sources.website", 'write_keys = "K"', "[sources.website] write_keys", "Expected `array`"),
    ("sources.website", 'write_keys = ["K"]\nname = "x"', "[sources.website] name", "unknown key"),
    ("sources.website", 'write_keys = ["K"]\nmulti_status = "no"', "[sources.website] multi_status", ""),
    ("sources.website", 'write_keys = ["K"]\nmax_event = "0B"', "[sources.website] max_event", "nothing"),
    ("sources.website", 'write_keys = ["K"]\nmax_events = 0', "[sources.website] max_events", ""),
    ("sources.website", 'write_keys = ["K"]\nenabled = "yes"', "[sources.website] enabled", ""),
    (
        "sources.website",
        'write_keys = ["K"]\nrate = 1000',
        "[sources.website] rate",
        "expected a rate such as",
    ),
    ("sources.website", 'write_keys = ["K"]\nrate = "0/s"', "[sources.website] rate", "nothing"),
    ("sources.website", 'write_keys = ["K"]\nburst = 9', "[sources.website] burst", "there is no rate"),
    ("sources.app", 'write_keys = ["KEY"]', "[sources.website] write_keys", "another source has the same"),
    ("sinks.archive", "", "[sinks.archive] kind", "expected one of"),
    ("sinks.archive", 'kind = "json_line"', "[sinks.archive] kind", "did you mean json_lines?"),
    ("sinks.archive", "kind = 1", "[sinks.archive] kind", "expected one of"),
    ("sinks.archive", 'kind = ["null"]', "[sinks.archive] kind", "expected one of"),
    ("sinks.archive", 'kind = "json_lines"', "[sinks.archive] path", "missing"),
    ("sinks.archive", 'kind = "null"\npath = "x"', "[sinks.archive] path", "unknown key"),
    ("sinks.archive", 'kind = "null"\nsource = ["x"]', "[sinks.archive] source", "did you mean sources?"),
    ("sinks.archive", 'kind = "null"\nsources = ["websit"]', "[sinks.archive] sources", "did you mean web"),
    ("sinks.archive", 'kind = "null"\ntypes = ["click"]', "[sinks.archive] types", "Invalid enum value"),
    ("sinks.again", VALID["sinks.archive"], "[sinks.archive] path", "another sink has the same file"),
]


@pytest.mark.parametrize(
    ("table", "text", "where", "what"),
    MISTAKES,
    ids=[f"{table} {text[-30:]}".replace("\n", " ") for table, text, _, _ in MISTAKES],
)
def test_a_mistake_names_table_and_key(file: Path, table: str, text: str, where: str, what: str) -> None:
    family, _, name = table.partition(".")
    write(file, **{f"{family}__{name}" if name else family: text})

    first = mistakes(file)[0]

    assert first.startswith(f"{where}: ")
    assert what in first


@pytest.mark.parametrize("table", ["server", "sources", "sinks", "journal"])
def test_a_table_that_is_none_is_a_mistake(file: Path, table: str) -> None:
    rest = "".join(f"[{name}]\n{text}\n" for name, text in VALID.items() if not name.startswith(table))
    file.write_text(f"{table} = 3\n{rest}")

    [mistake] = mistakes(file)

    assert mistake.startswith(f"[{table}]: ")


def test_a_source_that_is_no_table_is_a_mistake(file: Path) -> None:
    file.write_text('[sources]\nwebsite = "KEY"\n[sinks]\narchive = "null"\n')

    assert mistakes(file) == [
        "[sources.website]: expected a table",
        f"[sinks.archive] kind: expected one of {', '.join(KINDS)}",
    ]


def test_nothing_at_all_lacks_a_source_and_a_sink(file: Path) -> None:
    file.write_text("")

    assert mistakes(file) == [
        "[sources]: there must be at least one table [sources.NAME]",
        "[sinks]: there must be at least one table [sinks.NAME]",
    ]


def test_all_mistakes_are_told_at_once(file: Path) -> None:
    write(file, server="port = 70000\nhots = 1", journal='keep = "x"', sinks__archive='kind = "x"')

    found = mistakes(file)

    assert [re.match(r"\[\S+ \w+", each) is not None for each in found] == [True] * 4


def test_a_write_key_is_in_no_message(file: Path) -> None:
    write(file, sources__app='write_keys = ["KEY"]', sources__third='write_keys = "SECRET"')

    assert not [mistake for mistake in mistakes(file) if "SECRET" in mistake or "KEY" in mistake]


@pytest.mark.parametrize("text", [b"[server", b"port = 1\nport = 2", b"\xff\xfe[server]"])
def test_what_is_no_toml_is_one_line_too(file: Path, text: bytes) -> None:
    file.write_bytes(text)

    assert len(mistakes(file)) == 1


def test_a_file_that_is_not_there_is_one_line_too(file: Path) -> None:
    assert mistakes(file) == ["No such file or directory"]


@pytest.mark.parametrize("token", ["two words", "line\\n", "é", "\\u0000"])
def test_a_token_that_no_header_can_carry_is_a_mistake(file: Path, token: str) -> None:
    write(file, inspector=f'token = "{token}"')

    assert mistakes(file) == [
        "[inspector] token: must be ASCII without white space, or no client could send it"
    ]


@pytest.mark.parametrize("host", ["localhost", "a.example", "host-1.a.example.", "::1", "::", "fe80::1%eth0"])
def test_a_listener_has_an_address_or_a_name(file: Path, host: str) -> None:
    assert read(write(file, server=f'host = "{host}"')).server.host == host


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("127.0.0.1", "0.0.0.0"),
        ("::", "127.0.0.1"),
    ],
)
def test_the_two_listeners_need_two_addresses(file: Path, one: str, other: str) -> None:
    inspector = f'port = 9000\nhost = "{other}"\ntoken = "t"'
    write(file, server=f'port = 9000\nhost = "{one}"', inspector=inspector)

    assert mistakes(file) == ["[inspector] port: [server] has the same"]


def test_two_listeners_may_share_a_port_of_two_hosts_or_have_any(file: Path) -> None:
    apart = read(write(file, server='host = "192.0.2.1"\nport = 9000', inspector="port = 9000"))
    anywhere = read(write(file, server="port = 0", inspector="port = 0"))

    assert (apart.inspector.port, anywhere.inspector.port) == (9000, 0)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('write_keys = ["k"]\napi_tokens = ["t"]', "site_id: missing; its api_tokens are for a site"),
        (
            'write_keys = ["k"]\nsite_id = "1"\napi_tokens = ["k"]',
            "api_tokens: a write key is public, and cannot be an API token",
        ),
        (
            'write_keys = ["k"]\nsite_id = "1"\napi_tokens = ["KEY"]',
            "api_tokens: another source has the same as write key, which is public",
        ),
    ],
)
def test_api_tokens_are_for_a_site_and_secret(file: Path, text: str, mistake: str) -> None:
    assert mistakes(write(file, sources__api=text)) == [f"[sources.api] {mistake}"]


def test_two_sources_have_no_api_token_in_common(file: Path) -> None:
    tokens = 'site_id = "1"\napi_tokens = ["t"]'
    write(file, sources__a=f'write_keys = ["a"]\n{tokens}', sources__b=f'write_keys = ["b"]\n{tokens}')

    assert mistakes(file) == [
        "[sources.a] api_tokens: another source has the same token",
        "[sources.b] api_tokens: another source has the same token",
    ]


def test_a_file_may_begin_with_a_byte_order_mark(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + write(file).read_bytes())

    assert list(read(file).sources) == ["website"]


def test_a_key_with_a_line_break_is_one_line_too(file: Path) -> None:
    write(file, server='"a\\nb" = 1')

    assert mistakes(file) == ["[server] a\\nb: unknown key"]
