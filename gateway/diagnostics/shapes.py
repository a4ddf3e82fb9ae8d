"""The databases of diagnostics: their tables, and how much each keeps."""

from gateway.diagnostics.store import Shape

DAY_MS = 86_400_000

REFUSED_MS = 7 * DAY_MS
DELIVERIES_MS = EXCHANGES_MS = BATCHES_MS = 30 * DAY_MS
WATCHED_MS = 2 * 3_600_000
"""How long a request is kept that was stored because an operator was watching."""

SOURCES_MS = 90 * DAY_MS
"""How long a name is remembered after it was last sent."""

MAX_NAMES = 1000
"""The most event names counted separately for a source; the others count under the type ""."""

EXCHANGES_OF_SINK = 1000
"""The most exchanges kept for a sink, in addition to those of dead letters."""

MAX_BODY_BYTES = 16 * 1024
"""The most bytes kept of a refused event, or of a request to a sink."""

# Times are in milliseconds since 1970.
REFUSED = Shape(
    "refused.db",
    """
    CREATE TABLE refused (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        code TEXT NOT NULL,
        message TEXT NOT NULL,
        details TEXT NOT NULL,
        source TEXT NOT NULL,       -- '': unknown
        dialect TEXT NOT NULL,
        method TEXT NOT NULL,
        route TEXT NOT NULL,
        query TEXT NOT NULL,
        place INTEGER,              -- in the batch; NULL: the whole request
        message_id TEXT NOT NULL,
        events INTEGER NOT NULL,
        address TEXT NOT NULL,
        user_agent TEXT NOT NULL,
        headers TEXT NOT NULL,      -- a JSON object
        body BLOB NOT NULL,
        body_bytes INTEGER NOT NULL -- before it was cut
    );
    CREATE INDEX expiry ON refused (expires_at);
    CREATE INDEX of_code ON refused (code, id);
    CREATE INDEX of_source ON refused (source, id);
    CREATE TABLE counts (
        minute INTEGER NOT NULL,    -- since 1970
        code TEXT NOT NULL,
        source TEXT NOT NULL,
        events INTEGER NOT NULL,
        unkept INTEGER NOT NULL,    -- those of them of which there is no row above
        last_at INTEGER NOT NULL,
        PRIMARY KEY (minute, code, source)
    ) WITHOUT ROWID;
    """,
    "refused",
    256 * 1024**2,
)

RAW = Shape(
    "raw.db",
    """
    CREATE TABLE requests (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,        -- its events' receivedAt
        expires_at INTEGER NOT NULL,
        method TEXT NOT NULL,
        route TEXT NOT NULL,
        query TEXT NOT NULL,
        address TEXT NOT NULL,
        headers TEXT NOT NULL,      -- a JSON object
        body BLOB NOT NULL,
        body_bytes INTEGER NOT NULL,
        events TEXT NOT NULL        -- [[messageId, index in the body or null], …]
    );
    CREATE INDEX arrival ON requests (at);
    CREATE INDEX expiry ON requests (expires_at);
    CREATE TABLE written (worker TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    """,
    "requests",
    256 * 1024**2,
)

DELIVERIES = Shape(
    "deliveries.db",
    """
    CREATE TABLE minutes (
        id INTEGER PRIMARY KEY,
        expires_at INTEGER NOT NULL,
        sink TEXT NOT NULL,
        minutes INTEGER NOT NULL,   -- that it is about: 1 or 60
        minute INTEGER NOT NULL,    -- the first, since 1970
        found BLOB NOT NULL,        -- a minutes.Minute as JSON
        UNIQUE (sink, minutes, minute)
    );
    CREATE INDEX expiry ON minutes (expires_at);
    """,
    "minutes",
    512 * 1024**2,
)

EXCHANGES = Shape(
    "exchanges.db",
    """
    CREATE TABLE exchanges (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        expires_at INTEGER NOT NULL,
        at INTEGER NOT NULL,
        sink TEXT NOT NULL,
        partition TEXT NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        status INTEGER,             -- NULL: there was no answer
        dead INTEGER NOT NULL,      -- 1: an event of it became a dead letter
        found BLOB NOT NULL         -- an exchanges.Exchange as JSON
    );
    CREATE INDEX expiry ON exchanges (expires_at);
    CREATE INDEX of_sink ON exchanges (sink, dead, id);
    CREATE INDEX of_event ON exchanges (sink, partition, last);
    CREATE TABLE unkept (sink TEXT PRIMARY KEY, exchanges INTEGER NOT NULL) WITHOUT ROWID;
    """,
    "exchanges",
    256 * 1024**2,
)

BATCHES = Shape(
    "batches.db",
    """
    CREATE TABLE batches (
        id INTEGER PRIMARY KEY,
        expires_at INTEGER NOT NULL,
        at INTEGER NOT NULL,        -- when the sink had it
        sink TEXT NOT NULL,
        partition TEXT NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        batch TEXT NOT NULL         -- its id; '': several batches
    );
    CREATE INDEX expiry ON batches (expires_at);
    CREATE INDEX of_event ON batches (sink, partition, last);
    """,
    "batches",
    256 * 1024**2,
)

SOURCES = Shape(
    "sources.db",
    """
    CREATE TABLE names (
        id INTEGER PRIMARY KEY,
        expires_at INTEGER NOT NULL,
        source TEXT NOT NULL,
        type TEXT NOT NULL,
        event TEXT NOT NULL,
        events INTEGER NOT NULL,
        warnings TEXT NOT NULL,     -- {code: events}
        first_seen INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        UNIQUE (source, type, event)
    );
    CREATE INDEX expiry ON names (expires_at);
    CREATE TABLE positions (
        partition TEXT PRIMARY KEY,
        number INTEGER NOT NULL,    -- of the next event to be counted
        epoch INTEGER NOT NULL,     -- of the event before it
        at INTEGER NOT NULL         -- when that was committed
    ) WITHOUT ROWID;
    """,
    "names",
    64 * 1024**2,
)
