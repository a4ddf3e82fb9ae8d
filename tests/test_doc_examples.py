"""The examples and links of the documentation, followed as a reader would."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from gateway.config import file as config_file
from gateway.raw import timestamps, truth
from tests.build import Door
from tests.gateway import Answer
from tests.test_docs import INTAKE, section

ROOT = Path(__file__).parents[1]
DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text()
    for folder in (".", ".github", "config", "deploy")
    for path in sorted((ROOT / folder).glob("*.md"))
}
SECRET = "whsec_c2VjcmV0"
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


def blocks(document: str, language: str) -> list[str]:
    """The code blocks in a language."""
    return re.findall(rf"^```{language}\n(.+?)\n```$", DOCUMENTS[document], re.MULTILINE | re.DOTALL)


def examples(language: str, containing: str = "") -> list[Any]:
    """A parameter for each code block in a language that contains a text."""
    return [
        pytest.param(block, id=f"{document}-{number}")
        for document in DOCUMENTS
        for number, block in enumerate(blocks(document, language))
        if containing in block
    ]


def anchors(document: str) -> set[str]:
    """The anchors that GitHub makes of a document's headings."""
    prose = re.sub(r"^```.*?^```$", "", document, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def call(door: Door, command: str) -> Answer:
    """What the gateway answers to a command of curl."""
    program, address, *options = shlex.split(command)
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert (program, given.keys() - {"-u", "-d"}) == ("curl", set())
    key = given.get("-u", "").removesuffix(":")
    target = address.removeprefix("http://127.0.0.1:8080")
    return door.request("POST", target, given["-d"].encode(), {"X-Write-Key": key})


@pytest.mark.parametrize("command", examples("sh", "curl "))
def test_a_command_that_sends_an_event_does(command: str) -> None:
    door = Door()

    answer = call(door, command)

    assert (answer.status, len(door.events)) == (200, 1)


def test_the_first_event_is_what_the_readme_shows() -> None:
    door = Door()
    [command] = [block for block in blocks("README.md", "sh") if "curl " in block]
    [shown] = blocks("README.md", "json")
    differs = ("messageId", "timestamp", "receivedAt")

    answer = call(door, command)

    event, expected = door.event, json.loads(shown)
    assert f"`{answer.body.decode()}`" in DOCUMENTS["README.md"]
    assert list(event) == list(expected)
    assert {**event, **dict.fromkeys(differs)} == {**expected, **dict.fromkeys(differs)}


def test_the_answers_are_what_is_shown() -> None:
    door = Door()
    refused, partly = (json.loads(block) for block in blocks("config/README.md", "json"))
    good, bad = {"type": "track", "userId": "u1", "event": "Hello"}, {"type": "track", "userId": "u1"}

    single = door.post("/v1/track", good, X_Write_Key="other")
    batch = door.post("/v1/batch", {"batch": [good, bad]})

    assert (single.status, single.json) == (400, refused)
    assert (batch.status, batch.json) == (207, partly)


@pytest.mark.parametrize("text", [each for each in examples("toml") if "[send]" not in each.values[0]])
def test_a_configuration_that_is_shown_is_valid(text: str, tmp_path: Path) -> None:
    (tmp_path / "webhooks").symlink_to(ROOT / "config/webhooks")
    file, mapping = tmp_path / "gateway.toml", tmp_path / "mapping.toml"
    environment = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), SECRET)
    if "fields" in tomllib.loads(text):
        mapping.write_text(text)
        text = f'[sources.a]\nwrite_keys = ["a"]\nwebhook = "mapping.toml"\nwebhook_secret = "{SECRET}"\n'
    if "sources" not in tomllib.loads(text):
        text += '\n[sources.a]\nwrite_keys = ["a"]\n'
    file.write_text(f'{text}\n[sinks.nowhere]\nkind = "null"\n')

    loaded = config_file.load(file, None, environment)

    assert loaded.sources


def test_the_times_that_are_shown_are_read() -> None:
    rows = [line for line in section(INTAKE, "Times").splitlines() if line.startswith("| ")]
    shown = [text for row in rows for text in re.findall(r"`(.+?)`", row)]

    instants = [timestamps.read(text) for text in shown]

    assert instants
    assert {timestamps.write(instant)[:10] for instant in instants} == {"2026-11-21"}


def test_the_times_that_are_shown_as_unread_are_not_read() -> None:
    prose = section(INTAKE, "Times").partition("Nothing is guessed:")[2]
    shown = re.findall(r"`(\d.+?|Sat.+?)`", prose)

    assert shown
    for text in shown:
        with pytest.raises(ValueError, match=re.escape(text)):
            timestamps.read(text)


@pytest.mark.parametrize(("word", "said"), [("yes", True), ("no", False)], ids=["yes", "no"])
def test_every_yes_and_no_that_is_shown_is_read(word: str, said: bool) -> None:
    [row] = [line for line in section(INTAKE, "Yes and no").splitlines() if line.startswith(f"| {word} |")]
    _, _, in_json, texts, _ = (re.findall(r"`(\w+)`", cell) for cell in row.split("|"))

    assert {truth.read(Raw(value.encode())) for value in in_json} == {said}
    assert {text for text, meant in truth._WORDS.items() if meant is said} == set(texts)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    for link in LINK.findall(DOCUMENTS[document]):
        path, _, anchor = link.partition("#")
        if re.match(r"https?:", path):
            continue
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


def test_every_document_is_found_from_the_readme() -> None:
    reached, waiting = set(), ["README.md"]
    while waiting:
        document = waiting.pop()
        if document in reached:
            continue
        reached.add(document)
        targets = (link.partition("#")[0] for link in LINK.findall(DOCUMENTS[document]) if ":" not in link)
        paths = ((ROOT / document).parent / target for target in targets if target.endswith(".md"))
        waiting += [str(path.resolve().relative_to(ROOT)) for path in paths]

    assert reached == DOCUMENTS.keys()
