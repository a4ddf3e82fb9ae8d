"""From what a sender says of its consent to what a sink gets: intake, chunk and delivery together."""

from pathlib import Path
from typing import Any

import pytest

from gateway.delivery.enrich import Enricher
from gateway.delivery.prepare import Preparation
from gateway.journal.chunk import Chunk
from tests.build import Door, to_json, track
from tests.fakes import ScriptedSink

SINK = ScriptedSink(consent=("Advertising",))


def objection(folder: Path, door: Door, sink: ScriptedSink) -> str | None:
    """Why the only event in a door's journal does not go to [sinks.ads]; None if it does."""
    [line], [carries] = door.journal.lines, door.journal.carries
    chunk = Chunk(0, 1, 1, 0, carries, line + b"\n")
    part = Preparation("ads", sink, Enricher(folder / "products.db")).prepare(chunk)
    assert len(part.positions) + len(part.excluded) == 1
    return next((each.reason for each in part.excluded), None)


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        ("ALL", None),
        (["ALL"], None),
        ("all", None),
        (["1", "ALL"], None),
        (["Advertising"], None),
        ("Advertising", None),
        ({"Advertising": "granted"}, None),
        ({"ALL": 1}, None),
        ({"ALL": True, "Advertising": "denied"}, "consent"),
        ({"Advertising": "perhaps"}, "consent"),
        (["1"], "consent"),
        ([], "consent"),
        (True, "consent"),
        (None, "consent"),
    ],
    ids=repr,
)
def test_categories_of_commanders_act(tmp_path: Path, categories: Any, expected: str | None) -> None:
    event = {"event_name": "a", "context": {}, "user": {"id": "1", "consent_categories": categories}}
    door = Door()

    door.request("POST", "/events?token=dev", to_json(event))

    assert objection(tmp_path, door, SINK) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("user[consent_categories]=ALL", None),
        ("user[consent_categories][]=ALL", None),
        ("user[consent_categories][]=1&user[consent_categories][]=Advertising", None),
        ("user[consent_categories]=1&user[consent_categories]=Advertising", None),
        ("user[consent_categories]=Advertising&user[consent_categories]=1", None),
        ("user[consent_categories]=1,Advertising", None),
        ('user[consent_categories]=["1","Advertising"]', None),
        ("user[consent_categories][1]=Advertising&user[consent_categories][0]=1", None),
        ("user[consent_categories][Advertising]=true", None),
        ("user[consent_categories][ALL]=on&user[consent_categories][1]=off", None),
        ("user[consent_categories][ALL]=on&user[consent_categories][Advertising]=off", "consent"),
        ("user[consent_categories][1]=true", "consent"),
        ("user[consent_categories]=", "consent"),
        ("", "consent"),
    ],
)
def test_categories_in_an_image_of_commanders_act(tmp_path: Path, query: str, expected: str | None) -> None:
    door = Door()

    door.request("GET", f"/events?token=dev&event_name=a&{query}")

    assert objection(tmp_path, door, SINK) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("context.consent.categoryPreferences.Advertising=true", None),
        ("context.consent.categoryPreferences.Advertising=GRANTED", None),
        ("context.consent.categoryPreferences.ALL=1", None),
        ("context.consent.optOut.Advertising=0", None),
        ("context.consent.optOut.Advertising=True", "consent"),
        ("context.consent.categoryPreferences.Advertising=False", "consent"),
        ("context.consent.categoryPreferences.Advertising=", "consent"),
        ("context.consent=true", "consent"),
        ("integrations=false&context.consent.categoryPreferences.ALL=yes", "integrations"),
        ("integrations.ads=No", "integrations"),
        ("integrations.All=off", "integrations"),
        ("integrations.all=off", "integrations"),
        ("integrations.All=off&integrations.ads=on", None),
    ],
)
def test_permissions_in_an_image(tmp_path: Path, query: str, expected: str | None) -> None:
    door = Door()
    sink = SINK if "consent" in query else ScriptedSink()

    door.request("GET", f"/v1/pixel/track?writeKey=dev&userId=u&event=Opened&{query}")

    assert objection(tmp_path, door, sink) == expected


@pytest.mark.parametrize(
    ("integrations", "expected"),
    [
        (False, "integrations"),
        (0, "integrations"),
        ({"ads": 0}, "integrations"),
        ({"ads": "OFF"}, "integrations"),
        ({"All": "no", "ads": "maybe"}, "integrations"),
        ({"All": 0, "ads": 1}, None),
        ({"All": 0, "ads": {"pixel": 7}}, None),
        ({"ads": "maybe"}, None),
        ({"ads": None}, None),
        ({"All": []}, None),
        ({"all": False}, "integrations"),
        ({"ALL": "no", "stats": True}, "integrations"),
        ({"all": False, "ads": True}, None),
        ({"All": True, "all": False}, None),
    ],
    ids=repr,
)
def test_integrations(tmp_path: Path, integrations: Any, expected: str | None) -> None:
    door = Door()

    door.post("/v1/track", track(integrations=integrations))

    assert objection(tmp_path, door, ScriptedSink()) == expected


@pytest.mark.parametrize(
    ("consent", "expected"),
    [
        ({"categoryPreferences": {"ALL": True}}, None),
        ({"categoryPreferences": {"Advertising": "no", "ALL": True}}, "consent"),
        ({"optOut": {"ALL": False}}, None),
        ({"optOut": {"ALL": "false", "Advertising": "true"}}, "consent"),
        ({"categoryPreferences": {"Advertising": True}, "optOut": {"ALL": True}}, None),
        ({"optOut": {"Advertising": "perhaps"}}, "consent"),
        ({"categoryPreferences": {"Advertising": True}, "optOut": True}, "consent"),
        ({"categoryPreferences": {"Advertising": True}, "optOut": "perhaps"}, "consent"),
        ({"categoryPreferences": {"ALL": True}, "optOut": ["Advertising"]}, "consent"),
        ({"categoryPreferences": {"Advertising": True}, "optOut": "false"}, None),
        ({"categoryPreferences": {"Advertising": True}, "optOut": None}, None),
        ({"categoryPreferences": {"Advertising": True}, "optOut": []}, None),
        ({}, "consent"),
    ],
    ids=repr,
)
def test_consent(tmp_path: Path, consent: Any, expected: str | None) -> None:
    door = Door()

    door.post("/v1/track", track(context={"consent": consent}))

    assert objection(tmp_path, door, SINK) == expected
