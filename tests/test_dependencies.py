"""
The private parts of libraries that the gateway overrides or uses, pinned.

A digest that differs means that the library has changed: read what the failure names, adapt the gateway, and
only then write the new digest here and raise the upper bound in pyproject.toml.
"""

import hashlib
import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from nats.aio.client import Client
from packaging.requirements import Requirement
from prometheus_client import CollectorRegistry, Histogram, values
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import Server, ServerState

from gateway import metrics
from gateway.intake.protocol import Protocol

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
BOUNDED = ("httptools", "nats-py", "prometheus-client", "uvicorn")

REASONS = {
    HttpToolsProtocol: "the intake's subclass, method by method",
    RequestResponseCycle: "the intake's transport, which joins the two writes of `send`, and its deadlines,"
    " which read `more_body` and `response_complete`",
    FlowControl: "the intake's subclass, which uses `resume_reading` and `write_paused`",
    Server: "the intake's subclass, which replaces `startup` and `capture_signals` and sets `should_exit`",
    ServerState: "the intake's protocol, which counts `total_requests`, and the sweep of `connections`",
    Histogram: "the bulk observations, which add to `_buckets` and `_sum`",
    values.MultiProcessValue: "the choice of `values.ValueClass`, which names the files of each process, and"
    " the exact counters, which use `_file` and `_key`",
    MmapedDict: "the exact counters, which call `write_value`",
    MultiProcessCollector: "the inspector, which collects without a registry and removes samples",
    Client._close: "the client of NATS, which forgets `_pending` and `_pending_data_size`",
}
DIGESTS = {
    HttpToolsProtocol: "18fdf324b11bf160",
    RequestResponseCycle: "e67d470d435dcc1c",
    FlowControl: "126debcdaa894c83",
    Server: "06e799f7c58f8be6",
    ServerState: "f2260fbf10154746",
    Histogram: "652bd566f605bb42",
    values.MultiProcessValue: "8077cd2c482fc32e",
    MmapedDict: "6e06f65ed9e69bbe",
    MultiProcessCollector: "0f2c852777f6f9ac",
    Client._close: "9a92d3aca1b2c1fd",
}


def requirement(name: str) -> Requirement:
    """The requirement of a library in pyproject.toml."""
    extra = PROJECT["optional-dependencies"].get(name.removesuffix("-py"), [])
    [found] = [each for each in map(Requirement, PROJECT["dependencies"] + extra) if each.name == name]
    return found


@pytest.mark.parametrize("name", BOUNDED)
def test_a_library_with_private_parts_in_use_has_an_upper_bound(name: str) -> None:
    specifier = requirement(name).specifier

    assert [each.version for each in specifier if each.operator == "<"]
    assert specifier.contains(version(name))


@pytest.mark.parametrize("part", DIGESTS, ids=lambda part: part.__qualname__)
def test_a_private_part_is_the_one_that_the_gateway_was_written_for(part: Any) -> None:
    digest = hashlib.sha256(inspect.getsource(part).encode()).hexdigest()[:16]

    assert digest == DIGESTS[part], (
        f"{part.__module__}.{part.__qualname__} has changed: re-read {REASONS[part]};"
        f" then its digest is {digest}"
    )


def test_every_override_replaces_a_method_that_uvicorn_calls() -> None:
    own = {name for name, part in vars(Protocol).items() if callable(part) and not name.startswith("_")}

    assert own - set(dir(HttpToolsProtocol)) == {"check"}


@pytest.mark.parametrize("status", [400, 431])
def test_a_status_line_ends_where_the_headers_begin(status: int) -> None:
    line = STATUS_LINE[status]

    assert line.startswith(b"HTTP/1.1 %d " % status)
    assert line.endswith(b"\r\n")


class Callbacks:
    """What an HTTP parser reports to; refuses heads on request."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.complete = False

    def on_headers_complete(self) -> None:
        if self.refuses:
            raise ValueError

    def on_message_complete(self) -> None:
        self.complete = True


def test_an_offer_of_another_protocol_ends_parsing_before_the_body() -> None:
    head = b"POST / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 2\r\n\r\n"
    parser = HttpRequestParser(Callbacks())

    with pytest.raises(HttpParserUpgrade) as upgrade:
        parser.feed_data(head + b"{}")

    assert upgrade.value.args == (len(head),), "re-read how the intake declines an upgrade"
    assert parser.should_upgrade()


def test_an_exception_in_a_callback_is_an_error_of_the_parser() -> None:
    callbacks = Callbacks(refuses=True)
    parser = HttpRequestParser(callbacks)

    with pytest.raises(HttpParserError):  # the intake refuses a head in this way
        parser.feed_data(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")

    assert not callbacks.complete


def test_observing_in_bulk_equals_observing_one_by_one() -> None:
    bounds = (0.1, 1.0)
    one_by_one = Histogram("seconds", "", buckets=bounds, registry=CollectorRegistry())
    in_bulk = Histogram("seconds", "", buckets=bounds, registry=CollectorRegistry())
    buffered = metrics.Buffered(in_bulk, bounds)

    for seconds in (0.05, 0.1, 0.5, 1.0, 2.0):
        one_by_one.observe(seconds)
        buffered.add(seconds)
    buffered.flush()

    [expected], [found] = one_by_one.collect(), in_bulk.collect()
    samples = [sample for sample in expected.samples if not sample.name.endswith("_created")]
    assert [sample for sample in found.samples if not sample.name.endswith("_created")] == samples
