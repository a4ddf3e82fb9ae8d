"""The inspector's routes and their access control."""

from pathlib import Path

import pytest

from tests.build import event_lines, keep
from tests.inspector.visitor import visitor


def test_metrics_exist_before_there_is_a_journal(tmp_path: Path) -> None:
    answer = visitor(tmp_path).get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "gateway_journal_events_total 0.0" in answer.text


def test_metrics_are_collected_at_each_scrape(tmp_path: Path) -> None:
    client = visitor(tmp_path)
    client.get("/metrics")

    keep(tmp_path / "data/journal/0", event_lines(0, 3))

    assert "gateway_journal_events_total 3.0" in client.get("/metrics").text


def test_each_metric_has_a_help_text(tmp_path: Path) -> None:
    text = visitor(tmp_path).get("/metrics").text

    samples = {line.split("{")[0].split()[0] for line in text.splitlines() if not line.startswith("#")}
    assert samples
    for name in samples:
        assert f"# HELP {name} " in text
        assert f"# TYPE {name} " in text


def test_a_scrape_leaves_no_descriptor_open(tmp_path: Path) -> None:
    visitor(tmp_path).get("/metrics")

    assert [path.name for path in tmp_path.iterdir()] == ["gateway.toml"]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Authorization": "Bearer wrong"}, id="another token"),
        pytest.param({"Authorization": "Bearer "}, id="an empty token"),
        pytest.param({"Authorization": "secret"}, id="without the scheme"),
        pytest.param({"Authorization": "Basic secret"}, id="another scheme"),
        pytest.param({"Authorization": "Bearer secret2"}, id="more than the token"),
        pytest.param({"Authorization": b"Bearer \xff\xfe"}, id="not ASCII"),
    ],
)
@pytest.mark.parametrize("path", ["/metrics", "/", "/nothing"])
def test_without_the_token_requests_are_refused(
    tmp_path: Path, path: str, given: dict[str, str | bytes]
) -> None:
    answer = visitor(tmp_path, "secret").get(path, headers=given)  # type: ignore[arg-type]  # bytes are accepted

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "gateway_" not in answer.text
    assert "secret" not in answer.text


def test_with_the_token_requests_are_answered(tmp_path: Path) -> None:
    answer = visitor(tmp_path, "secret").get("/metrics", headers={"Authorization": "Bearer secret"})

    assert answer.status_code == 200


def test_no_token_is_required_if_none_is_configured(tmp_path: Path) -> None:
    answer = visitor(tmp_path).get("/metrics", headers={"Authorization": "Bearer whatever"})

    assert answer.status_code == 200


def test_a_page_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    assert visitor(tmp_path).get("/nothing").status_code == 404


def test_metrics_cannot_be_written(tmp_path: Path) -> None:
    assert visitor(tmp_path).post("/metrics").status_code == 405
