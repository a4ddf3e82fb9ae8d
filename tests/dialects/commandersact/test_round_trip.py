"""From version 2.0 to the canonical event and back, nothing changes."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.dialects.commandersact.writing import to_commandersact
from tests.build import Door

TEXT = st.text(max_size=8)
NUMBER = st.integers(0, 10**6) | st.floats(0, 1000, allow_nan=False)
ODD = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda below: st.lists(below, max_size=2) | st.dictionaries(TEXT, below, max_size=2),
    max_leaves=4,
)
TIMES = st.integers(10**12, 2 * 10**12) | st.integers(10**12, 2 * 10**12).map(str)
CATEGORIES = (
    st.lists(st.sampled_from(["1", "3", "10019"]))
    | st.lists(st.integers(-1, 99))
    | st.lists(st.sampled_from(["1", 3, "", "on", True, None]))
    | st.dictionaries(st.sampled_from(["0", "3", "ALL"]), st.sampled_from([True, 0, "no", "7"]))
    | st.sampled_from(["ALL", "1,3", '["1","3"]', ""])
)
URLS = st.sampled_from(["https://shop.example/a/b?q=1#top", "https://shop.example", "/a?b", "", "ftp:/x"])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of the fields, now and then with a value of the wrong kind."""
    return st.fixed_dictionaries({}, optional={name: kind | ODD for name, kind in fields.items()})


USERS = some(
    id=TEXT | st.integers(1, 10**9),
    consistent_anonymous_id=TEXT,
    consent_categories=CATEGORIES,
    consentID=TEXT,
    refused_vendors=CATEGORIES,
    rejected_vendors=CATEGORIES,
    email=TEXT,
    email_sha256=TEXT,
    phone=TEXT,
    firstname=TEXT,
    lastname=TEXT,
    gender=TEXT,
    birthdate=TEXT,
    street=TEXT,
    city=TEXT,
    state=TEXT,
    zipcode=TEXT,
    country=TEXT,
    tcId=TEXT,
    firstName=TEXT,
    address=TEXT,
    custom=ODD,
)
PAGES = some(
    title=TEXT,
    url=URLS,
    lang=st.sampled_from(["fr", "en-US"]),
    referrer=URLS,
    viewport=some(width=NUMBER, height=NUMBER),
    location=URLS | some(href=URLS),
    path=TEXT,
)
DEVICES = some(
    user_agent=TEXT,
    ip=st.sampled_from(["", "102.3.4.56"]),
    lang=st.sampled_from(["fr", "en-US"]),
    language=st.sampled_from(["fr", "en"]),
    region=st.sampled_from(["FR", "US"]),
    cookie=st.sampled_from(["_fbp=123; CAID=9;", "TCID=4", "x"]),
    timezone=TEXT,
    screen=some(width=NUMBER, height=NUMBER, density=NUMBER, innerWidth=NUMBER),
    sdk_id=TEXT,
    manufacturer=TEXT,
    model=TEXT,
    type=st.sampled_from(["android", "ios"]),
    advertising_id=TEXT,
    advertisingId=TEXT,
    ad_tracking_enabled=st.booleans(),
    idfv=TEXT,
    os=some(name=TEXT, version=TEXT),
    network=some(wifi=st.booleans(), carrier=TEXT),
    lifecycle=some(session_id=TEXT, new_session=st.booleans(), foreground_time=NUMBER),
)
CONTEXTS = some(
    event_id=TEXT | st.integers(1, 10**9),
    event_timestamp=TIMES,
    page=PAGES,
    device=DEVICES,
    app=some(name=TEXT, version=TEXT, core_version=TEXT),
    campaign=some(name=TEXT),
    generatorVersion=TEXT,
    locale=TEXT,
    traits=ODD,
)
EVENTS = some(
    event_name=st.sampled_from(["purchase", "page_view", "search", ""]),
    event_timestamp=TIMES,
    user=USERS,
    page_name=TEXT,
    page_type=TEXT,
    type=TEXT,
    items=st.lists(some(id=TEXT, quantity=NUMBER, product=some(id=TEXT, colors=st.lists(TEXT))), max_size=2),
    integrations=ODD,
    sentAt=TEXT,
    custom=ODD,
).flatmap(lambda event: CONTEXTS.map(lambda context: {**event, "context": context}))


def there_and_back(event: Any) -> Any:
    door = Door()
    answer = door.request("POST", "/events?token=dev", json.dumps(event).encode(), {})
    assert (answer.status, len(door.events)) == (200, 1)
    return json.loads(to_commandersact(door.journal.lines[0]))


@settings(max_examples=150)
@given(EVENTS)
@example({"context": {}})
@example({"context": {"event_timestamp": "1999999999999"}})  # of the year 2033, which is not believed
@example({"context": {"page": {}, "device": {}}, "user": {}})
@example({"context": {"device": {"screen": {}}}})
def test_an_event_comes_back_as_it_was_sent(event: dict[str, Any]) -> None:
    assert there_and_back(event) == event


@pytest.mark.parametrize(
    "event", [{"user": {}}, {"event_name": "a"}, {"context": None}, {"user": 1, "context": {}}]
)
def test_an_event_that_lacks_nearly_everything_comes_back_too(event: dict[str, Any]) -> None:
    assert there_and_back(event) == event
