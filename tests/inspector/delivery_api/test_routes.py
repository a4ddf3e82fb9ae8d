"""The event delivery API, as a client of Commanders Act's config API calls it."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateway.diagnostics.minutes import Failure
from gateway.inspector.delivery_api.routes import routes
from gateway.services.app import services_app
from tests.inspector.delivery_api.partner import AT, CONFIG, HOUR, MINUTE, TOKEN, Partner
from tests.inspector.visitor import looking


@pytest.fixture
def partner(tmp_path: Path) -> Partner:
    return Partner(tmp_path)


def test_healths_compare_a_period_with_the_one_before(partner: Partner) -> None:
    partner.count(AT - 60 * MINUTE, delivered=90, delivered_retry=10, dead_refused=4)
    partner.count(AT - MINUTE, delivered=10, dead_expired=5)
    partner.count(AT, delivered=100, filtered_consent=7, duplicate=8)
    partner.count(AT + 59 * MINUTE, delivered=50, delivered_retry=20, dead_refused=3, dead_too_old=3)
    partner.count(AT + 60 * MINUTE, delivered=1000)  # no more part of the period

    status, body = partner.get(f"partner/delivery/healths?{HOUR}")

    assert status == 200
    assert (body["data"]["type"], body["data"]["id"]) == ("delivery/health", "partner")
    attributes = body["data"]["attributes"]
    assert {name: attributes[name] for name in ("connector_type", "total", "success", "fail")} == {
        "connector_type": "null",
        "total": 176,
        "success": {
            "immediate": {"total": 150, "increase_rate": 50.0},
            "retry": {"total": 20, "increase_rate": 100.0},
        },
        "fail": {
            "rejected": {"total": 6, "increase_rate": 50.0},
            "error": {"total": 0, "increase_rate": -100.0},
        },
    }


def test_without_a_period_before_there_is_no_increase(partner: Partner) -> None:
    partner.count(AT, delivered=1)

    found = partner.attributes(f"partner/delivery/healths?{HOUR}")

    assert found["success"]["immediate"] == {"total": 1, "increase_rate": None}


def test_healths_have_a_row_for_each_of_30_days(partner: Partner) -> None:
    partner.count(AT, delivered=1)

    trends = partner.attributes(f"partner/delivery/healths?{HOUR}")["trends"]

    assert trends["success"]["dataset"][0] == ["dateTime", "success"]
    assert trends["fail"]["dataset"][0] == ["dateTime", "fail"]
    assert len(trends["success"]["dataset"]) == len(trends["fail"]["dataset"]) == 31


def test_trends_have_a_row_for_each_step(partner: Partner) -> None:
    partner.count(AT + 5 * MINUTE, delivered=3, delivered_retry=2, dead_refused=1)
    partner.count(AT + 29 * MINUTE, delivered=4)
    partner.count(AT + 30 * MINUTE, dead_expired=6)

    status, body = partner.get(f"partner/delivery/trends?{HOUR}&granularity=1800000")

    assert status == 200
    assert body["data"] == {
        "type": "delivery/trend",
        "id": "partner",
        "attributes": {
            "connector_type": "null",
            "datasets": [
                ["dateTime", "success", "fail"],
                [AT, 9, 1],
                [AT + 30 * MINUTE, 0, 6],
            ],
        },
    }


def test_issues_are_the_reasons_of_failures(partner: Partner) -> None:
    partner.bury(
        ("website", "Ordered", "refused", AT + 1),
        ("app", "Viewed", "refused", AT + 2),
        ("website", "Ordered", "expired", AT + 3),
        ("website", "Ordered", "refused", AT + 60 * MINUTE),  # no more part of the period
        ("other", "Secret", "refused", AT + 4),  # of another site
    )
    partner.count(AT + MINUTE, failures={"partner answered 502": Failure(3, 30)})
    partner.count(AT + 2 * MINUTE, failures={"partner answered 502": Failure(1, 10)})

    status, body = partner.get(f"partner/delivery/issues?{HOUR}")

    assert status == 200
    assert body["data"] == {
        "type": "delivery/issue",
        "id": "partner",
        "attributes": {
            "connector_type": "null",
            "error": [
                {
                    "reason": "unavailable",  # the words may be about events of another site
                    "event_types": [],
                    "events_count": 40,
                    "last_seen": AT + 2 * MINUTE,
                    "stream_hit_id": None,
                },
                {
                    "reason": "expired",
                    "event_types": ["Ordered"],
                    "events_count": 1,
                    "last_seen": AT + 3,
                    "stream_hit_id": "letter-3",
                },
            ],
            "rejected": [
                {
                    "reason": "refused",
                    "event_types": ["Ordered", "Viewed"],
                    "events_count": 2,
                    "last_seen": AT + 2,
                    "stream_hit_id": "letter-2",
                }
            ],
        },
    }


@pytest.mark.parametrize("kind", ["error", "rejected"])
def test_issues_of_one_type_are_asked_for(partner: Partner, kind: str) -> None:
    partner.bury(("website", "Ordered", "refused", AT), ("website", "Ordered", "expired", AT))

    found = partner.attributes(f"partner/delivery/issues?{HOUR}&filter[type]={kind}")

    assert found.keys() == {"connector_type", kind}
    assert len(found[kind]) == 1


def test_details_show_the_event_and_the_answer(partner: Partner) -> None:
    partner.bury(("website", "Ordered", "refused", AT))

    status, body = partner.get("delivery/issues/letter-1/details")

    assert status == 200
    assert body["data"]["type"] == "delivery/issues-details"
    found = body["data"]["attributes"]
    assert (found["timestamp"], found["status"], found["detail"]) == (AT, "rejected", "revenue is no number")
    assert found["request"]["data"]["event"] == "Ordered"
    assert found["request"].keys() == {"url", "method", "body", "data"}
    assert found["response"] == {
        "statusCode": None,
        "headers": {},
        "body": '{"error": "revenue"}',
        "data": {"error": "revenue"},
    }


def test_nothing_shows_what_operators_hide(tmp_path: Path) -> None:
    own = CONFIG.replace("[sinks.partner]\n", '[sinks.partner]\nsources = ["website", "app"]\n')
    partner = Partner(tmp_path, own + '[inspector]\ntoken = "operators"\nmask = ["revenue", "error"]\n')
    partner.bury(("website", "Ordered", "refused", AT))
    partner.count(AT, failures={'no: {"error": "jo@example.com"}': Failure(1, 1)})

    details = partner.attributes("delivery/issues/letter-1/details")
    issues = partner.attributes(f"partner/delivery/issues?{HOUR}")

    assert details["response"]["body"] == '{"error": "***"}'
    assert details["request"]["data"]["context"]["ip"] == "192.0.2.0"
    assert [each["reason"] for each in issues["error"]] == ['no: {"error": "***"}']


def test_details_of_another_sites_event_are_not_found(partner: Partner) -> None:
    partner.bury(("other", "Secret", "refused", AT))

    assert partner.get("delivery/issues/letter-1/details")[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"partner/delivery/healths?{HOUR}", id="no deliveries"),
        pytest.param(f"partner/delivery/trends?{HOUR}", id="no trend"),
        pytest.param(f"partner/delivery/issues?{HOUR}", id="no issues"),
        pytest.param(f"nobody/delivery/healths?{HOUR}", id="no such sink"),
        pytest.param(f"others/delivery/issues?{HOUR}", id="a sink of another site"),
        pytest.param("delivery/issues/letter-1/details", id="no such issue"),
        pytest.param("delivery/issues/letter-x/details", id="no id"),
    ],
)
def test_where_there_is_nothing_no_data_is_found(partner: Partner, path: str) -> None:
    assert partner.get(path) == (404, {"errors": [{"status": 404, "detail": "No data found"}]})


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("start=yesterday", id="no time"),
        pytest.param(f"{HOUR}&granularity=7", id="no granularity"),
        pytest.param(f"{HOUR}&filter[type]=warning", id="no type"),
        pytest.param(f"{HOUR}&filter=error", id="an unknown parameter"),
    ],
)
def test_bad_parameters_are_refused(partner: Partner, query: str) -> None:
    status, body = partner.get(f"partner/delivery/issues?{query}")

    assert status == 400
    assert body["errors"][0]["status"] == 400


def test_no_letter_has_the_number_0(partner: Partner) -> None:
    partner.bury(("website", "Ordered", "refused", AT))

    statuses = [partner.get(f"delivery/issues/letter-{number}/details")[0] for number in (0, 1)]

    assert statuses == [404, 200]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no token"),
        pytest.param({"Authorization": "Bearer token-30"}, id="another site's token"),
        pytest.param({"Authorization": "Bearer website"}, id="a write key"),
        pytest.param({"Authorization": "Bearer operators"}, id="the inspector's token"),
        pytest.param({"Authorization": "Bearer "}, id="an empty token"),
        pytest.param({"Authorization": "Basic token-29"}, id="another scheme"),
    ],
)
@pytest.mark.parametrize("path", ["partner/delivery/healths", "delivery/issues/letter-1/details"])
def test_only_the_sites_own_token_opens_it(partner: Partner, headers: dict[str, str], path: str) -> None:
    status, body = partner.get(path, headers)

    assert status == 401
    assert body["errors"][0]["detail"] == "the site's token is required as Bearer"


def test_the_intake_answers_the_same(partner: Partner, tmp_path: Path) -> None:
    partner.count(AT, delivered=1)
    path = f"/v2/29/integrations/partner/delivery/trends?{HOUR}"
    with looking(tmp_path, CONFIG) as inspection:
        intake = TestClient(services_app(routes(inspection)))

        answer = intake.get(path, headers=TOKEN)

    assert answer.content == partner.client.get(path, headers=TOKEN).content


def test_times_are_read_in_any_form_of_iso_8601(partner: Partner) -> None:
    partner.count(AT, delivered=1)

    found = partner.attributes(
        "partner/delivery/trends?start=2027-01-15T09:00:00%2B01:00&end=2027-01-15T08:01:00.000Z"
    )

    assert found["datasets"][1:] == [[AT, 1, 0]]
