"""
As much of BigQuery's REST API and of Google's OAuth as the sink uses, with the rules that it relies on.

After cloud.google.com/bigquery/docs/reference/rest and developers.google.com/identity/protocols/oauth2:
tokens are given for signed assertions alone, a job's id is used once, a load adds all rows of a file or none,
and a file must fit the table's schema. Whether BigQuery itself keeps these rules, no test here can tell.
"""

import atexit
import io
import json
import re
import time
from base64 import urlsafe_b64decode
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyarrow import parquet

from tests.sinks import chaos
from tests.sinks.chaos import Behaviour, Request, Target, answer

PROJECT, DATASET, LOCATION = "shop-1", "analytics", "EU"
TOKEN = "ya29.token-of-the-test"

_API = f"/bigquery/v2/projects/{PROJECT}"
_UPLOAD = f"/upload{_API}/jobs"
_METADATA = "/computeMetadata/v1/instance/service-accounts/default/token"
_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,1024}")
_TYPES = {
    "string": "STRING",
    "int64": "INTEGER",
    "double": "FLOAT",
    "bool": "BOOLEAN",
    "timestamp[ms, tz=UTC]": "TIMESTAMP",
}


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def account(url: str, private: rsa.RSAPrivateKey | None = None) -> str:
    """Return the key of a service account, as Google Cloud hands it out."""
    pem = (private or key()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    known = {"client_email": "gateway@shop-1.iam.gserviceaccount.com", "private_key": pem.decode()}
    return json.dumps({"type": "service_account", **known, "token_uri": f"{url}/token"})


class Job(NamedTuple):
    states: list[str]
    """The states that are told, one after the other; the last one stays."""
    problem: dict[str, str] | None


class Service(Target):
    """Tables, jobs and tokens of one project, for the duration of the block."""

    def __init__(self) -> None:
        super().__init__(self._behave)
        self.tables: dict[str, dict[str, Any]] = {}
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.jobs: dict[str, Job] = {}
        self.problems: list[dict[str, str] | None] = []
        """What the next jobs end with; None: they succeed."""
        self.states: tuple[str, ...] = ("DONE",)
        """The states of the next jobs."""
        self.fault: Behaviour | None = None
        """What happens instead of the answer to an uploaded file."""
        self.pages: list[dict[str, Any]] = []
        """The answers to queries, one after the other, without the job's name."""
        self.queries: list[str] = []
        self.upload_host = ""
        """Where clients are told to upload to; empty: here."""
        self._sessions: dict[str, dict[str, Any]] = {}

    def _behave(self, request: Request) -> Behaviour:
        path = urlsplit(request.target).path
        if path == "/token":
            return self._give_token(request)
        if path == _METADATA and request.headers["metadata-flavor"] == "Google":
            return _TOKEN
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _error(401, "authError", "Invalid Credentials")
        body = json.loads(request.body) if request.body and request.method != "PUT" else {}
        if path.startswith(_UPLOAD):
            return self._finish(request) if request.method == "PUT" else self._start(body)
        kind, _, rest = path.removeprefix(f"{_API}/").partition("/")
        if kind == "queries":
            return self._query(request.method, rest, urlsplit(request.target).query, body)
        if kind == "jobs":
            return self._tell_job(rest, dict(parse_qsl(urlsplit(request.target).query)))
        dataset, _, name = rest.partition("/tables")
        if dataset != DATASET:
            return _error(404, "notFound", f"Not found: Dataset {PROJECT}:{dataset}")
        return self._handle_table(request.method, name.removeprefix("/"), body)

    def _give_token(self, request: Request) -> Behaviour:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        header, claims, signature = form["assertion"].split(".")
        claimed = json.loads(_decode(claims))
        try:
            signed = f"{header}.{claims}".encode()
            key().public_key().verify(_decode(signature), signed, PKCS1v15(), SHA256())
        except InvalidSignature:
            return answer(400, b'{"error":"invalid_grant","error_description":"Invalid JWT Signature."}')
        now = time.time()
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        assert json.loads(_decode(header))["alg"] == "RS256"
        assert claimed["aud"] == f"{self.url}/token"
        assert claimed["scope"] == "https://www.googleapis.com/auth/bigquery"
        assert claimed["iat"] <= now < claimed["exp"] <= claimed["iat"] + 3600
        return _TOKEN

    def _handle_table(self, method: str, name: str, body: dict[str, Any]) -> Behaviour:
        if method == "POST":
            name = body["tableReference"]["tableId"]
            if name in self.tables:
                return _error(409, "duplicate", f"Already Exists: Table {name}")
            self.tables[name] = {**body, "location": LOCATION}
            self.rows[name] = []
        elif name not in self.tables:
            return _error(404, "notFound", f"Not found: Table {PROJECT}:{DATASET}.{name}")
        elif method == "PATCH":
            kept = self.tables[name]["schema"]["fields"]
            if body["schema"]["fields"][: len(kept)] != kept:
                return _error(400, "invalid", "Provided Schema does not match Table")
            self.tables[name] |= body
        return _ok(self.tables[name])

    def _query(self, method: str, id: str, query: str, body: dict[str, Any]) -> Behaviour:
        """Begin a query, or tell the next of its pages."""
        if method == "POST":
            assert body["useLegacySql"] is False
            self.queries.append(body["query"])
        else:
            assert (id, parse_qs(query)["location"]) == ("q-1", [LOCATION])
        reference = {"projectId": PROJECT, "jobId": "q-1", "location": LOCATION}
        return _ok({"jobReference": reference, **self.pages.pop(0)})

    def _tell_job(self, id: str, query: dict[str, str]) -> Behaviour:
        if id not in self.jobs or query.get("location") != LOCATION:
            return _error(404, "notFound", f"Not found: Job {PROJECT}:{id}")
        states, problem = self.jobs[id]
        state = states.pop(0) if len(states) > 1 else states[0]
        failed = {"errorResult": problem} if problem and state == "DONE" else {}
        return _ok({"status": {"state": state, **failed}})

    def _start(self, job: dict[str, Any]) -> Behaviour:
        reference = job["jobReference"]
        assert _JOB_ID.fullmatch(reference["jobId"])
        assert (reference["projectId"], reference["location"]) == (PROJECT, LOCATION)
        session = f"{len(self._sessions)}"
        self._sessions[session] = job
        location = f"{self.upload_host or self.url}{_UPLOAD}?uploadType=resumable&upload_id={session}"
        return answer(200, b"", Location=location)

    def _finish(self, request: Request) -> Behaviour:
        [session] = parse_qs(urlsplit(request.target).query)["upload_id"]
        job = self._sessions[session]
        id = job["jobReference"]["jobId"]
        if id in self.jobs:
            return self.fault or _error(409, "duplicate", f"Already Exists: Job {PROJECT}:{LOCATION}.{id}")
        if self.fault and self.fault is not chaos.half_a_head:
            return self.fault
        problem = self.problems.pop(0) if self.problems else None
        problem = problem or self._load(job["configuration"]["load"], request.body)
        self.jobs[id] = Job([*self.states], problem)
        return self.fault or _ok({**job, "status": {"state": "PENDING"}})

    def _load(self, load: dict[str, Any], content: bytes) -> dict[str, str] | None:
        """Add the rows of a file, or return the problem."""
        assert (load["sourceFormat"], load["writeDisposition"]) == ("PARQUET", "WRITE_APPEND")
        name = load["destinationTable"]["tableId"]
        if name not in self.tables:
            return {"reason": "notFound", "message": f"Not found: Table {PROJECT}:{DATASET}.{name}"}
        found = parquet.ParquetFile(io.BytesIO(content)).read()
        fields = {
            each["name"]: (each["type"], each["mode"]) for each in self.tables[name]["schema"]["fields"]
        }
        for field in found.schema:
            mode = "NULLABLE" if field.nullable else "REQUIRED"
            if fields.get(field.name) != (_TYPES[str(field.type)], mode):
                text = f"Provided Schema does not match Table {name}. Field {field.name} has changed"
                return {"reason": "invalid", "message": text}
        self.rows[name] += found.to_pylist()
        return None


@cache
def standing_service() -> Service:
    """Return a service that stays until the tests end."""
    service = Service()
    service.__enter__()
    atexit.register(service.__exit__)
    return service


def _ok(body: dict[str, Any]) -> Behaviour:
    return answer(200, json.dumps(body).encode())


def _error(status: int, reason: str, message: str) -> Behaviour:
    error = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}
    return answer(status, json.dumps({"error": error}).encode())


_TOKEN = _ok({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})
QUOTA = _error(403, "quotaExceeded", "Quota exceeded: too many table updates")


def _decode(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
