"""`gateway query`, as an operator and a script use it."""

import json
import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.home import Home
from gateway.raw import timestamps
from tests.analysis.asking import keep_at
from tests.build import JOURNAL, event_line
from tests.gateway import PATIENCE, Gateway, speaks
from tests.journal.breaking import flip
from tests.test_docs import README, blocks

DAYS = ["2026-11-24T09:00:00.000Z", "2026-11-24T23:59:59.999Z", "2026-11-25T00:00:00.000Z"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a configuration, and a journal of three orders and a page."""
    (tmp_path / "gateway.toml").write_text(
        '[sources.shop]\nwrite_keys = ["k"]\n[sinks.a]\nkind = "null"\n[journal]\npath = "journal"\n'
    )
    home = Home(tmp_path / "journal")
    with home.own(lambda: JOURNAL):
        pass
    shop = {"name": "shop", "dialect": "segment"}
    lines = [
        event_line(n, event="Order Completed", properties={"revenue": 1.5 + n}, receivedAt=day, source=shop)
        for n, day in enumerate(DAYS)
    ]
    page = event_line(3, type="page", event=None, name="Home\x1b[31m", receivedAt=DAYS[-1])
    keep_at(tmp_path / "journal/0", [timestamps.read(day) for day in [*DAYS, DAYS[-1]]], [*lines, page])
    return tmp_path


def files_in(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def query(folder: Path, *arguments: str, given: str | None = None) -> Result:
    command = ["query", "--config", str(folder / "gateway.toml"), *arguments]
    return CliRunner().invoke(main, command, input=given)


def test_the_readme_answers_orders_a_day_by_source(folder: Path) -> None:
    [command] = [block for block in blocks(README, "sh") if block.startswith(".venv/bin/gateway query")]
    _, *arguments = shlex.split(command)

    result = CliRunner().invoke(main, arguments, env={"GATEWAY_CONFIG": str(folder / "gateway.toml")})

    assert result.stdout.splitlines() == [
        "day                       source  orders  revenue",
        "2026-11-24T00:00:00.000Z  shop         2      4.0",
        "2026-11-25T00:00:00.000Z  shop         1      3.5",
    ]
    assert result.exit_code == 0


def test_a_table_cannot_control_the_terminal(folder: Path) -> None:
    result = query(folder, "SELECT name, user_id, group_id FROM events WHERE type = 'page'")

    assert result.stdout == "name       user_id  group_id\nHome [31m  u1       NULL\n"


def test_a_table_says_that_it_has_not_all_rows(folder: Path) -> None:
    result = query(folder, "SELECT * FROM range(1001)")

    assert len(result.stdout.splitlines()) == 1001
    assert result.stderr == "gateway: only the first 1,000 rows; --json and --csv print all\n"


def test_json_is_an_object_a_row_and_verbatim(folder: Path) -> None:
    sql = "SELECT id, properties, received_at, name, 1.50::DECIMAL(9,2) AS d, 1 AS d FROM events LIMIT 1"

    result = query(folder, "--json", sql)

    assert result.stdout == (
        '{"id":"m0","properties":{"revenue":1.5},"received_at":"2026-11-24T09:00:00.000Z","name":null,'
        '"d":1.50,"d_1":1}\n'
    )


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        pytest.param("170141183460469231731687303715884105727::HUGEINT", 2**127 - 1, id="large integer"),
        pytest.param("'nan'::DOUBLE", None, id="not a number"),
        pytest.param("[1, NULL]", [1, None], id="list"),
        pytest.param("{'a': {'b': 'c'}}", {"a": {"b": "c"}}, id="object"),
        pytest.param("DATE '2026-01-31'", "2026-01-31", id="date"),
        pytest.param("'ab'::BLOB", "YWI=", id="bytes"),
        pytest.param("true", True, id="boolean"),
    ],
)
def test_every_type_has_its_json(folder: Path, value: str, printed: object) -> None:
    result = query(folder, "--json", f"SELECT {value} AS v")

    assert json.loads(result.stdout) == {"v": printed}


def test_csv_has_a_header_and_quotes(folder: Path) -> None:
    result = query(folder, "--csv", "SELECT id, properties, name FROM events LIMIT 1")

    assert result.stdout == 'id,properties,name\nm0,"{""revenue"":1.5}",\n'


def test_sql_is_read_from_standard_input(folder: Path) -> None:
    result = query(folder, "--csv", given="SELECT count(*) AS n\nFROM events;\n")

    assert (result.exit_code, result.stdout) == (0, "n\n4\n")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        pytest.param("SELEC", "gateway: Parser Error: syntax error", id="syntax"),
        pytest.param("SELECT evnt FROM events", "evnt", id="column"),
        pytest.param("SELECT event::INT FROM events", "gateway: Conversion Error", id="first row"),
        pytest.param(
            "SELECT CASE WHEN range = 5000 THEN error('late') END FROM range(9999)", "late", id="later row"
        ),
    ],
)
def test_a_statement_that_fails_is_a_message(folder: Path, sql: str, message: str) -> None:
    result = query(folder, "--csv", sql)

    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("INSTALL httpfs", id="install"),
        pytest.param("SELECT 1; FORCE INSTALL httpfs FROM 'http://127.0.0.1:9'", id="install by address"),
        pytest.param("LOAD httpfs", id="load"),
        pytest.param("UPDATE EXTENSIONS", id="update"),
        pytest.param("COPY events TO '{}/new.csv'", id="copy to"),
        pytest.param("COPY (SELECT 1) TO '{}/gateway.toml'", id="copy over a file"),
        pytest.param("EXPORT DATABASE '{}/new'", id="export"),
        pytest.param("IMPORT DATABASE '{}'", id="import"),
        pytest.param("ATTACH '{}/new.db'", id="attach a new file"),
        pytest.param("ATTACH '{}/journal/state.db' (TYPE sqlite)", id="attach the state"),
        pytest.param("SELECT * FROM read_csv('{}/gateway.toml')", id="read_csv"),
        pytest.param("SELECT * FROM read_text('{}/gateway.toml')", id="read_text"),
        pytest.param("FROM '{}/gateway.toml'", id="a file as a table"),
        pytest.param("FROM 'http://127.0.0.1:9/a.csv'", id="an address as a table"),
        pytest.param("FROM glob('{}/*')", id="glob"),
        pytest.param("CREATE PERSISTENT SECRET s (TYPE http)", id="secret"),
        pytest.param("SET enable_external_access = true", id="allow it"),
        pytest.param("RESET lock_configuration", id="unlock"),
        pytest.param("SET autoinstall_known_extensions = true", id="allow to install"),
        pytest.param("PRAGMA profiling_output = '{}/profile'", id="profile"),
    ],
)
def test_no_statement_reads_or_writes_files_or_reaches_the_network(folder: Path, sql: str) -> None:
    before = files_in(folder)

    result = query(folder, "--csv", sql.format(folder))

    assert (result.exit_code, result.stdout) == (2, "")
    assert files_in(folder) == before


def test_statements_may_choose_the_time_zone(folder: Path) -> None:
    sql = "SET TimeZone = 'Asia/Tokyo'; SELECT max(received_at)::DATE AS day FROM events"

    assert query(folder, "--csv", sql).stdout == "day\n2026-11-25\n"


def test_damage_is_reported_with_exit_code_1(folder: Path) -> None:
    [file] = (folder / "journal/0").iterdir()
    flip(file, b'"m1"')

    result = query(folder, "--csv", "SELECT a.id FROM events a JOIN events b USING (id) ORDER BY ALL")

    assert (result.exit_code, result.stdout) == (1, "id\nm0\nm2\nm3\n")
    assert result.stderr == "gateway: damaged, and left out: 0/1\n"


def test_without_a_journal_there_is_nothing_to_ask(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["query", "--data", str(tmp_path / "none"), "SELECT 1"])

    assert result.exit_code == 2
    assert "has the gateway ever run?" in result.stderr


def test_a_closed_output_pipe_ends_the_command_silently(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "query", "--csv", "SELECT * FROM range(1000000)"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        process.wait(PATIENCE)

    assert (process.returncode, errors) == (0, b"")


def test_a_running_gateway_is_asked_without_effect_on_it(tmp_path: Path) -> None:
    with Gateway(tmp_path) as running:
        for number in range(5):
            running.post("/v1/track", {"userId": f"u{number}", "event": "Hello"})

        result = query(tmp_path, "--csv", "SELECT user_id FROM events")
        running.post("/v1/track", {"userId": "u5", "event": "Hello"})

        assert result.stdout.split() == ["user_id", "u0", "u1", "u2", "u3", "u4"]
        assert len(running.delivered(6)) == 6
        assert running.stop() == 0


class Terminal:
    """A person before a terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def read_until(self, text: str) -> str:
        """Return what is shown up to a text. Fails if it never is."""
        shown = b""
        while text.encode() not in shown:
            assert speaks(self._descriptor), shown
            shown += os.read(self._descriptor, 4096)
        return shown.decode()


@contextmanager
def prompt(folder: Path) -> Iterator[Terminal]:
    """Run `gateway query` on a terminal, until it ends by itself."""
    ours, its = pty.openpty()
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "TERM": "dumb"}
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "query"],
        cwd=folder,
        env=environment,
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    ) as process:
        os.close(its)
        try:
            terminal = Terminal(ours)
            terminal.read_until("events> ")
            yield terminal
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            os.close(ours)


def test_the_prompt_answers_completes_and_survives_errors(folder: Path) -> None:
    with prompt(folder) as terminal:
        terminal.type("SELECT count(*) AS n,\n")
        terminal.read_until("...> ")
        terminal.type("max(receiv\t) AS newest FROM events;\n")
        answer = terminal.read_until("events> ")
        terminal.type("SELEC;\n")
        mistake = terminal.read_until("events> ")
        terminal.type("\x04")

    assert "max(received_at) AS newest FROM events" in answer
    assert "4  2026-11-25T00:00:00.000Z" in answer
    assert "Parser Error" in mistake


def test_the_prompt_remembers_statements(folder: Path) -> None:
    with prompt(folder) as terminal:
        terminal.type("SELECT 41 + 1 AS answer;\n")
        terminal.read_until("events> ")
        terminal.type("exit\n")

    with prompt(folder) as terminal:
        terminal.type("\x10\x10\n")  # Ctrl-P, twice: before "exit"
        answer = terminal.read_until("events> ")
        terminal.type("exit;\n")

    assert "SELECT 41 + 1 AS answer;" in answer
    assert "\n    42\r\n" in answer
