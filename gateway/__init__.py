"""
The journey of an event, file by file.

A request comes in at intake/front.py, which finds its endpoint by one look-up of its path.
intake/protocol.py has seen to it that its head was small and in time; intake/body.py reads it, inflated and
bounded; intake/sender.py tells a person's device from a server, and intake/cors.py what a page on another
site may see. What carries no events is answered by intake/pages.py: SDKs fetch their settings
(intake/settings.py) and pages their script (intake/script.py); the description of all routes is by
intake/openapi.py, from what each says of itself in the words of operation.py. What has arrived is a
Submission (submission.py).

Its dialect, one file of dialects/, takes it apart: dialects/segment.py decodes straight into a Message
(message.py), what the client claims, and where that fails dialects/careful.py goes through it entry by
entry, with repair.py for what is not even JSON. dialects/commandersact.py has it read by
commandersact/usual.py or, if it is not as most are, by commandersact/reading.py, which tells the versions
apart (commandersact/versions.py). Both give the fields our names (commandersact/names.py), take an address
apart (commandersact/address.py), see what the person consents to (commandersact/consent.py) and note what
the way back (commandersact/writing.py) could not know (commandersact/notes.py); dialects/brackets.py
unfolds what its pixels put into an address. objects.py handles the JSON that nobody needs to look into,
values.py single words of it, and timestamps.py the many ways of writing a time.

A webhook's object may say itself what makes it an event (dialects/custom.py); one whose source has a table
for it (webhooks/table.py) is in nobody's dialect: dialects/foreign.py asks webhooks/signature.py whose it
is, and looks for each field at its place (webhooks/places.py).

intake/endpoint.py judges each message on its own: does a source (sources.py) own its write key, does its
dialect (for Segment's, dialects/rules.py) find it complete? intake/normalize.py then makes it the canonical
event of event.py, one line of JSON: intake/times.py says when it happened, intake/context.py what is known
of its sender, intake/identity.py who that is if no page says it, intake/ids.py gives it a name if it has
none. commerce.py translates what shops report, if the source says so. A message that breaks a rule becomes
a Refusal (errors.py), and harms no other.

The lines wait in journal/writer.py for the next commit, which journal/segments/partition.py makes durable
as one chunk (journal/chunk.py) in a file of journal/segments/files.py, where journal/segments/space.py has
prepared space and journal/segments/quota.py finds room. Only then is the outcome (outcome.py) told to the
client, in the words of its dialect; dialects/base.py and clients.py know what shipped clients can bear to
hear.

The rest of the gateway knows the log as journal/base.py describes it; journal/segments/log.py is the one
that comes with it. journal/segments/recovery.py takes a partition over after a crash, with
journal/segments/scan.py to find chunks behind damage and journal/segments/rescue.py for files that were
removed or do not belong there. journal/segments/reader.py reads on from a position, in the files that
journal/segments/open_files.py has open.

In another process (app/shares.py says in which) delivery/worker.py, one for each sink, reads on through the
log as soon as delivery/lookout.py sees something new. delivery/prepare.py hands whole chunks on where it
can; where it must look at each event, delivery/route.py leaves out what the sink is not to get and
delivery/enrich.py adds what the catalogue knows of its products. The sink, one file of sinks/, writes the
rest; and state/store.py records how far it came, with what became of the events (state/tally.py), in the
database of state/database.py, where operators leave their orders (state/orders.py). The file of
sinks/json_lines.py is nobody else's (sinks/locked_file.py), keeps its name (sinks/watch.py), and what
stands in it already is not written twice (sinks/unrecorded.py). When the sink fails, backoff.py says how
long to wait. What every sink has, delivery/trim.py has deleted.

What is known of people and products comes in by intake/user_api.py and intake/product_api.py, is checked by
records/products.py, and kept in a records/table.py; records/file.py imports whole catalogues.

Around it: config_file.py reads gateway.toml (in the units of units.py) into config.py, cli/main.py is the
command (with cli/options.py) that has cli/serve.py, cli/check.py, cli/tail.py, cli/send.py, cli/products.py
and cli/sinks.py; app/supervisor.py runs the processes (app/intake.py, app/delivery.py with app/workers.py,
app/inspector.py) as app/child.py, app/control.py, app/delivery_processes.py and app/machine.py let it.
home.py knows every path of a gateway, and durable.py and sqlite.py make what lies there. metrics.py counts
and logs.py tells. inspector/pages.py shows operators what became of all events, from inspector/ledger.py.
journal/follow.py follows the log, and send.py imports files.

cli/journal/group.py has the commands for a journal, running or not: cli/journal/verify.py,
cli/journal/dump.py and cli/journal/stats.py, with cli/journal/common.py, arguments.py and tables.py. They
look through journal/segments/examine/inventory.py and journal/segments/examine/walk.py, for what
journal/segments/examine/verify.py finds (journal/segments/examine/findings.py),
journal/segments/examine/extract.py prints and journal/segments/examine/stats.py counts.
"""
