"""The dsn of a PostgreSQL sink: what it may say, TLS, and that no error repeats it."""

import gc
import os
import socket
import warnings
from threading import Thread

import anyio
import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkError, SinkMisconfigured, SinkUnavailable
from gateway.sinks.postgres import Postgres
from gateway.sinks.postgresql.server import tls
from tests.sinks.postgres_server import PASSWORD, PostgresServer, postgres_server
from tests.sinks.postgres_tables import run_loop


@pytest.fixture
def server() -> PostgresServer:
    return postgres_server()


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in filter(lambda name: name.startswith("PG"), [*os.environ]):
        monkeypatch.delenv(name)


def connect_failure(dsn: str) -> SinkError:
    async def connect() -> None:
        async with Postgres(dsn=Secret(dsn)).connect("archive", b""):
            pass

    try:
        anyio.run(connect)  # uvloop cannot be closed while asyncpg ends a TLS connection behind our back
    except SinkError as error:
        failure = error.with_traceback(None)
        failure.__cause__ = failure.__context__ = None  # whose frames hold the transport
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()  # the transport, which may still have been open when the loop ended
    return failure


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"password": "wrong"}, "28P01"),
        ({"user": "nobody"}, "28P01"),
        ({"database": "missing"}, "3D000"),
    ],
    ids=["password", "user", "database"],
)
def test_a_wrong_dsn_is_a_misconfiguration(parts: dict[str, str], text: str, server: PostgresServer) -> None:
    error = connect_failure(server.dsn(**parts))  # type: ignore[arg-type]  # none of them is the port

    assert isinstance(error, SinkMisconfigured)
    assert text in str(error)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://tests:{password}@127.0.0.1:1/tests",
        "postgresql://tests:{password}@127.0.0.1:{port}/{password}",
        "postgresql://{password}:{password}@127.0.0.1:{port}/tests",
        "postgresql://tests:x@127.0.0.1:{password}/tests",
        "postgresql://tests@127.0.0.1:{port}/tests?password={password}&sslmode={password}",
        "postgresql://tests@127.0.0.1:{port}/tests?password={password}&sslmode=verify-full&sslrootcert=/none",
    ],
)
def test_no_error_repeats_a_secret(dsn: str, server: PostgresServer) -> None:
    error = connect_failure(dsn.format(password=PASSWORD, port=server.port))

    assert PASSWORD not in f"{error} {error.answer} {error!r}"


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    assert isinstance(connect_failure(f"postgresql://tests:x@127.0.0.1:{port}/tests"), SinkUnavailable)


def test_a_server_with_a_valid_certificate_is_verified(server: PostgresServer) -> None:
    dsn = f"{server.dsn()}?sslmode=verify-full&sslrootcert={server.certificate}"

    async def connect() -> None:
        async with Postgres(dsn=Secret(dsn), table="verified").connect("archive", b""):
            pass

    run_loop(connect)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["authority", "name"])
def test_a_certificate_that_is_not_valid_is_a_misconfiguration(
    server: PostgresServer, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if host == "localhost":
        monkeypatch.setenv("PGSSLROOTCERT", str(server.certificate))
    else:
        monkeypatch.setenv("PGSSLROOTCERT", "/etc/ssl/certs/ca-certificates.crt")

    error = connect_failure(f"{server.dsn().replace('127.0.0.1', host)}?sslmode=verify-full")

    assert isinstance(error, SinkMisconfigured)
    assert "certificate verify failed" in str(error).lower()


def test_a_server_without_tls_is_a_misconfiguration_where_tls_is_required() -> None:
    def refuse_tls() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(8)
            client.sendall(b"N")
            client.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=refuse_tls)
        thread.start()
        error = connect_failure(f"postgresql://a:b@127.0.0.1:{listener.getsockname()[1]}/c?sslmode=require")
        thread.join()

    assert isinstance(error, SinkMisconfigured)
    assert "no TLS" in str(error)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("db.example.com", True),
        ("192.0.2.1:5432", True),
        ("[2001:db8::1]:5432", True),
        ("localhost,db.example.com", True),
        ("127.0.0.1.example.com", True),
        ("/db?host=db.example.com", True),
        ("db.example.com/db?sslrootcert=/ca.crt", "verify-full"),
        ("db.example.com/db?sslcert=/client.crt", "verify-full"),
        ("db.example.com/db?sslmode=disable", None),
        ("localhost:5432", None),
        ("127.0.0.2", None),
        ("[::1]:5432", None),
        ("/db?host=/run/postgresql", None),
        ("%2Frun%2Fpostgresql/db", None),
        ("", None),
    ],
)
def test_hosts_that_are_not_loopback_are_verified_unless_the_dsn_says_otherwise(
    address: str, expected: object
) -> None:
    assert tls(Secret(f"postgresql://u:p@{address}")) == expected
