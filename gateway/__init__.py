"""
The journey of an event, file by file.

A request arrives at intake/protocol.py, which bounds its head and the time that it may take, on one of as
many connections as intake/connections.py admits, intake/receiver.py reads from and intake/transport.py writes
to. An ordinary one goes the short road (intake/short_road.py, intake/known_head.py); every other is a call of
the ASGI application in intake/router.py, which finds its endpoint by its path. intake/body.py reads and
inflates the body within limits, intake/sender.py tells a person's own device from a server, and
intake/cors.py says what a page on another site may read. The result is a Submission (submission.py).

The dialect of the route, a file or folder of dialects/ with the interface of dialects/base.py, decodes it
into Messages (message.py): what the client claims. Those of the Segment family share
dialects/shared/messages.py and, for whatever its typed decoders refuse, dialects/shared/slow_path.py; what
comes as a query or a form is read by dialects/shared/parameters.py. Their rules are dialects/shared/rules.py,
dialects/shared/keys.py says where their keys are and which counts, their answers are
dialects/shared/answers.py or an image (dialects/shared/image.py), and dialects/shared/describing.py describes
them. dialects/segment.py, dialects/pixel.py and dialects/jitsu.py add their routes to these.
dialects/webhook/dialect.py reads what other systems forward, also as forms (dialects/webhook/forms.py):
events of the Segment spec, any object with MetaRouter's metadata (dialects/webhook/custom.py), or the bodies
of a sender for which a source has a table (dialects/webhook/mapped.py with webhooks/table.py and
webhooks/places.py), signed as webhooks/signature.py verifies and without the keys that webhooks/redaction.py
finds; dialects/webhook/handshake.py answers tests and challenges. dialects/commandersact/dialect.py finds
keys where dialects/commandersact/keys.py looks, and has bodies decoded by dialects/commandersact/decoding.py:
most events by dialects/commandersact/fast.py, all others by dialects/commandersact/full.py, which tells the
versions apart (dialects/commandersact/versions.py). Both translate names (dialects/commandersact/names.py),
addresses (dialects/commandersact/address.py) and consent (dialects/commandersact/consent.py), and record what
a sink will need to restore the event (dialects/commandersact/round_trip.py,
dialects/commandersact/writing.py). dialects/commandersact/brackets.py unfolds the parameters of its pixel,
and dialects/commandersact/describing.py describes its routes.

JSON that the gateway does not interpret stays undecoded: raw/objects.py handles objects, raw/values.py single
values, raw/truth.py every yes and no, raw/wildcards.py names with a `*`, raw/timestamps.py the many ways to
write a time, raw/bodies.py whole bodies, and raw/repair.py those that are not quite JSON.

intake/endpoint.py judges each message on its own. intake/admission.py says what its write key entitles to: a
source (sources.py) must own the key, and may ask for steps, such as the cookie of intake/visitor.py, the ids
of intake/browser_ids.py or, with commerce.py, intake/translation.py. The dialect's rules must accept the
message. Then intake/normalize.py makes it the canonical event of event.py: intake/times.py decides when it
happened, intake/context.py adds what the request says of its sender, intake/permissions.py checks what it
says of where it may go, and intake/uuid7.py gives it an id if it has none. A message that breaks a rule
becomes a Refusal (errors.py, with a hint of hints.py) and costs no other message its place; what is repaired
or assumed is noted in the event (warnings.py). intake/account.py adds up what becomes of all of them, and
intake/refusals.py logs when many begin to be refused; those that are stored are encoded at once, as one block
of lines. bucket.py holds a source to its rate, and in intake/backlog.py large bodies wait for each other.

The lines wait in journal/writer.py for the next commit, which a thread makes, or the event loop itself while
journal/pace.py says that commits are fast. journal/segments/partition.py makes them durable as one chunk
(journal/chunk.py) in a file of journal/segments/files.py, in space that journal/segments/space.py has
prepared within the quota of journal/segments/quota.py. Only then does the client get its answer (outcome.py),
which intake/reply.py writes in the terms of its dialect; clients.py knows which answers shipped clients
mishandle. Ordinary requests go all the way from the parser to the answer by intake/short_road.py, which does
the same at half the cost.

The rest of the gateway knows the log as journal/base.py describes it, and has it from journal/engines.py;
journal/segments/log.py is the embedded engine. journal/segments/recovery.py recovers a partition after a
crash, with journal/segments/scan.py to find chunks behind damage and journal/segments/rescue.py for files
that were removed or do not belong there. journal/segments/reader.py reads from any position, in the files
that journal/segments/open_files.py keeps open.

Where several gateways share a journal, journal/spread.py gives each event to the publisher
(journal/publisher.py) of the partition of its person (journal/persons.py), which publishes what waits as one
chunk. On NATS JetStream journal/jetstream/start.py has created the streams that journal/jetstream/streams.py
describes, in the words of journal/jetstream/api.py, and journal/jetstream/promise.py asks what an
acknowledgement means there. journal/jetstream/appender.py opens an appender of all partitions;
journal/jetstream/partition.py publishes each chunk once, as a message (journal/jetstream/message.py) behind
the end that journal/jetstream/tail.py knows, over the connection that journal/jetstream/link.py keeps.
journal/jetstream/log.py is the log to its readers (journal/jetstream/reader.py), who find positions with
journal/jetstream/view.py.

On Kafka, journal/kafka/topic.py finds or creates the topic of a journal, whose settings must keep what
journal/kafka/promise.py says. journal/kafka/appender.py has a publisher for each partition
(journal/kafka/partition.py), all of which publish with the producer of journal/kafka/producer.py.
journal/kafka/log.py is the log, and journal/kafka/reader.py reads a partition, with answers and consumers
that readers share (journal/kafka/session.py); all connect as journal/kafka/client.py does.

intake/recent.py holds the last requests and what was refused; intake/recorder.py writes them for the
inspector, the requests only where a source asks for it or diagnostics/watching.py says that somebody looks.

In another process (processes/shares.py assigns sinks to processes) delivery/duplicates/indexer.py decides of
each event, ahead of all sinks, whether it is a duplicate: in the order of time
(delivery/duplicates/order.py), it looks for their keys (delivery/duplicates/keys.py) in the index of
delivery/duplicates/index.py, a RocksDB database (delivery/duplicates/database.py) behind the filters of
delivery/duplicates/filter.py, and records its verdicts (state/verdicts.py), which delivery/known.py lends to
sinks. One delivery/worker.py per sink goes on as soon as delivery/lookout.py sees new events, in the
partitions that its process holds (delivery/held.py): all of them, or, where several gateways share the
journal, those for which processes/membership.py has leases (state/leases.py, state/nodes.py). Its
delivery/queue.py takes work (delivery/work.py, which consists of chunks as delivery/part.py has them) from
feeds in turn (delivery/feed.py): delivery/live.py reads the events of a partition in order, and
delivery/jobs.py sends dead letters or a part of the journal again. delivery/prepare.py passes whole chunks on
where it can; where each event must be examined, delivery/route.py filters events and delivery/enrich.py adds
the catalogue's properties to their products.

The sink, one file of sinks/, writes the batch; then state/store.py records in one transaction the position
(state/progress.py), the outcomes of the events (state/tally.py), and the batch that follows
(state/intents.py). Of a batch that is refused the queue finds the culprits, which become dead letters
(state/dead.py and state/letters.py), unless so many are refused that delivery/guard.py blames the target.
state/statuses.py says how each sink fares, and state/orders.py and state/jobs.py hold what operators order.
All of it lies in a database as state/base.py describes it, which state/places.py opens: a file
(state/database.py) or, where several gateways share it, PostgreSQL (state/remote.py), with few connections
(postgresql/pool.py, postgresql/connection.py) to the tables of postgresql/schema.py.

sinks/json_lines.py writes to files of its own (sinks/owned_file.py): it locks them (sinks/locked_file.py),
notices when one is moved (sinks/watch.py), does not write again what is in it already (sinks/unrecorded.py),
and compresses those that it has set aside (sinks/compression.py). Sinks that write tables make rows of events
with sinks/rows/envelope.py and sinks/rows/promoted.py, without the characters of sinks/rows/escapes.py where
the target cannot hold them. sinks/postgres.py connects to its server with sinks/postgresql/server.py,
prepares its tables with sinks/postgresql/schema.py, writes with sinks/postgresql/statements.py, and judges
failures by sinks/postgresql/failures.py; sinks/postgresql/views.py makes its table look like Segment's, as
sinks/rows/views.py and sinks/rows/names.py say (and sinks/merge_tree/views.py, sinks/duckdb_file/views.py and
sinks/google/views.py those of the sinks below). sinks/parquet.py encodes rows with sinks/rows/arrow.py, names
the files with sinks/storage/names.py, and creates them in what sinks/storage/base.py describes:
sinks/storage/folder.py or sinks/storage/bucket.py, as the keys of sinks/storage/sink.py say. sinks/delta.py
commits to a table that sinks/lake/tables.py prepares where sinks/lake/location.py says it is, and judges
failures by sinks/lake/failures.py. sinks/clickhouse.py inserts by sinks/merge_tree/server.py into the table
that sinks/merge_tree/schema.py prepares, and sinks/merge_tree/failures.py judges the answers. sinks/duckdb.py
appends to the tables of sinks/duckdb_file/schema.py with sinks/duckdb_file/statements.py, and
sinks/duckdb_file/failures.py judges what DuckDB raises. sinks/bigquery.py logs in with
sinks/google/credentials.py, prepares its table with sinks/google/schema.py, and begins load jobs with
sinks/google/service.py. All get the rows of a batch from sinks/rows/repaired.py. sinks/http.py,
sinks/segment.py and sinks/commandersact.py have the keys of sinks/http_client/sink.py, send requests with
sinks/http_client/client.py, which connects only where sinks/http_client/guard.py lets it, and read answers
with sinks/http_client/answers.py; the last two translate events and share sinks/http_client/upstream.py.
sinks/destination.py sends what the mapping of a vendor makes of events. destinations/vendor.py reads a
mapping (destinations/lines.py knows its lines), which destinations/program.py compiles for the settings of a
sink (destinations/settings.py): the requests that the API takes (destinations/calls.py), the rules
(destinations/rules.py), and their values (destinations/values.py with destinations/paths.py,
destinations/pipelines.py, destinations/objects.py, destinations/operators.py and destinations/conditions.py
with destinations/expressions.py), written out as Python by destinations/code.py, in the words of
destinations/grammar.py, with the functions of destinations/functions/names.py, which are
destinations/functions/texts.py, destinations/functions/identity.py, destinations/functions/numbers.py and
destinations/functions/browser.py. destinations/planning.py plans the requests for a batch: events are decoded
and items encoded by destinations/encoding.py, and packed by destinations/packing.py. destinations/answers.py
says what answers mean. sinks/kafka.py, sinks/nats.py and sinks/redis.py publish messages: all read events
with sinks/brokers/excerpt.py, the first two name topics and subjects with sinks/brokers/names.py.
sinks/kafka.py has its producers from sinks/brokers/kafka_client.py, and judges their failures by
sinks/brokers/kafka_failures.py, as sinks/nats.py does by sinks/brokers/nats_failures.py; its connections
(sinks/brokers/nats_client.py) are encrypted as sinks/brokers/nats_tls.py says. After a failure the worker
waits as backoff.py says; delivery/failures.py tells the sink's failures from those of the journal.
delivery/trim.py releases what every sink has. A delivery/observer.py counts what becomes of a sink's events,
by the names that delivery/names.py finds, and has its batches and its exchanges with the target;
delivery/recorder.py writes all of them.

What is kept for the inspector besides events lies in databases that are never synced (diagnostics/store.py,
with the tables of diagnostics/shapes.py): requests, from which diagnostics/bodies.py takes single events,
deliveries by the minute (diagnostics/minutes.py), batches, and exchanges (diagnostics/exchanges.py).
remembered.py keeps results of pure functions that come again and again, within bounds.
masking.py hides secrets in all of it before it is written, and what operators want hidden when it is shown.
inspector/census.py counts what each source sends. inspector/queries/refused.py, inspector/queries/raw.py,
inspector/queries/deliveries.py, inspector/queries/batches.py, inspector/queries/exchanges.py and
inspector/queries/sources.py answer questions about them.

What else the public port answers is a service: services/app.py routes to the page at its root
(services/welcome.py with front_page.py, as the inspector's), to services/health.py, to the settings and the
script that SDKs fetch (services/settings.py, services/script.py), to services/openapi.py, which describes all
routes in the words of operation.py, to services/validate_api.py, which says what services/validation.py finds
out about events that are only tried (with their places in the body from raw/places.py), and to the APIs for
people (services/user_api.py) and products (services/product_api.py). Products are checked by
records/products.py, both are kept in a table as records/base.py describes it, which records/places.py opens:
in a file (records/table.py, which delivery reads with records/catalogue.py) or in PostgreSQL
(records/remote.py). records/file.py imports whole catalogues.

Around it: config/file.py finds gateway.toml, and config/reader.py turns it into the tables of
config/tables.py, each of which checks itself, and config/contradictions.py what must hold between them.
config/environment.py fills in what the environment says, config/units.py reads durations and sizes,
config/secret.py keeps secrets from being printed, and config/origins.py, config/paths.py, config/script.py
and config/servers.py know what can be an origin, a file, the script of SDKs and a server of an engine.
cli/main.py is the command (with cli/options.py) that has cli/init.py, cli/serve.py, cli/check.py (with
cli/summary.py), cli/tail.py, cli/send.py, cli/validate.py, cli/products.py, cli/sinks.py (with
cli/sink_views.py), cli/dead.py, cli/replay.py, cli/ledger.py, cli/nodes.py, cli/migrate.py and
cli/destinations.py. processes/supervisor.py runs the processes (processes/intake.py; processes/delivery.py
with processes/workers.py and processes/indexing.py; processes/inspector.py) as processes/child.py,
processes/control.py, processes/delivery_processes.py and processes/machine.py let it. It owns the data folder
(processes/ownership.py), and stops everything in a bounded time (processes/stopping.py). cli/reload.py asks
it to reload, and reads in its processes/status.py what came of it; for new code it replaces itself by a new
program (processes/succession.py) that inherits its children (processes/inherited.py). home.py knows every
path of a gateway, or the database on a server (postgresql/place.py, with the address of postgresql/dsn.py) in
its stead, and durable.py and sqlite.py make what lies there. metrics.py counts and logs.py tells.
inspector/ledger.py has metrics of what became of all events, and inspector/processes.py of what the gateway
uses; inspector/scrape.py sees to it that reading them takes a bounded time. journal/follow.py follows the
log. cli/import_file.py imports the events that cli/event_file.py reads, through cli/posting.py, and
cli/importing.py shows an import at work.

People analyse events with cli/query.py, which prints the rows that SQL finds (cli/results.py) and has a
prompt (cli/prompt.py), and with cli/export.py. Both read the journal with analysis/blocks.py. DuckDB
(analysis/database.py) sees it as analysis/table.py, whose columns analysis/columns.py decodes;
analysis/export.py writes files in the forms of analysis/forms.py.

inspector/queries/inspection.py is all that operators look at. inspector/queries/events.py finds events by the
filter of inspector/queries/filters.py: inspector/search/backwards.py goes through a partition, the newest
events first, for what inspector/search/wanted.py matches by the excerpts of inspector/search/excerpts.py, and
reads only where the runs (inspector/search/runs.py) of inspector/search/index.py have the terms
(inspector/search/terms.py). inspector/search/upkeep.py starts a process that builds them,
inspector/search/building.py. inspector/queries/fates.py says what became of an event at each sink,
inspector/queries/stream.py follows new events, and inspector/queries/overview.py sums everything up, by the
times of inspector/search/timeline.py.

The commands for delivery open the state (cli/state.py) to place orders and jobs, which cli/jobs.py watches,
and print as cli/printing.py does, for the times of cli/times.py. They share the functions of the inspector's
queries: inspector/queries/sinks.py (which tries sinks with inspector/trial.py), inspector/queries/dead.py,
inspector/queries/replays.py, inspector/queries/ledger.py (with the counts of inspector/counters.py) and
inspector/queries/health.py (with what inspector/readiness.py hears from the intake) say what state/report.py
finds, page by page (inspector/queries/cursors.py), and raise what inspector/queries/errors.py has.

Programs ask the same questions of the routes of inspector/api/routes.py: inspector/api/events.py,
inspector/api/reports.py, inspector/api/sinks.py, inspector/api/dead.py and inspector/api/replays.py, which
read them with inspector/api/asking.py, answer as inspector/api/encoding.py writes, and are described by
inspector/api/describing.py. Commanders Act's event delivery API, on both ports, is
inspector/delivery_api/routes.py: inspector/delivery_api/figures.py sums up the deliveries of a period
(inspector/delivery_api/period.py), inspector/delivery_api/issues.py says why others failed,
inspector/delivery_api/shapes.py has the documents, and inspector/delivery_api/describing.py describes them.

Operators see the gateway in pages. inspector/pages.py composes the inspector's application, behind
inspector/access/guard.py, which says who may use it: by inspector/access/origins.py requests that another
site makes a browser send are refused, and by inspector/access/sessions.py and inspector/access/attempts.py
only those who have the token get in; inspector/access/forms.py reads what they submit, and
inspector/access/headers.py tells browsers what they may do. inspector/web/rendering.py asks the queries and
renders templates, with inspector/web/filtering.py for what lists are asked, inspector/web/formats.py,
inspector/web/charts.py and inspector/web/document.py for what is shown, inspector/web/files.py for styles and
script, and inspector/web/answers.py for what goes wrong. The pages are inspector/web/login.py,
inspector/web/overview.py, inspector/web/events.py (with inspector/web/commands.py), inspector/web/refused.py
(which tries events again with inspector/web/trial.py; both put keys where inspector/web/masked.py finds them
masked), inspector/web/sinks.py, inspector/web/dead.py, inspector/web/sources.py (with
inspector/web/snippets.py) and inspector/web/ledger.py.

cli/journal/group.py has the commands for a journal. cli/journal/copy.py has one copied to another engine, by
cli/journal/copying.py, which arranges its events with cli/journal/stretches.py. The others,
cli/journal/verify.py, cli/journal/dump.py and cli/journal/stats.py, with cli/journal/common.py and
cli/arguments.py, work on files of a journal, running or not. They look through
journal/segments/examine/inventory.py and journal/segments/examine/walk.py, for what
journal/segments/examine/verify.py finds (journal/segments/examine/findings.py),
journal/segments/examine/extract.py prints and journal/segments/examine/stats.py counts.
"""
