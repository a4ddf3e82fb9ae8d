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

The lines wait in journal/writer.py for the next commit, which journal/shard.py makes durable in a file of
journal/files.py, if journal/room.py finds room. Only then is the outcome (outcome.py) told to the client,
in the words of its dialect; dialects/base.py and clients.py know what shipped clients can bear to hear.

In another process (app/shares.py says in which) delivery/worker.py, one for each sink, reads on through
journal/reader.py. delivery/route.py leaves out what the sink is not to get; delivery/enrich.py adds what
the catalogue knows of its products; the sink, one file of sinks/, writes the rest; and journal/positions.py
records how far it came, in state.db. When the sink fails, backoff.py says how long to wait. What every sink
has, delivery/trim.py deletes, a whole file at a time.

What delivery remembers of each sink is to be in state/store.py, counted by state/tally.py, in the database
of state/database.py, where operators leave their orders (state/orders.py); a place in the log is
journal/base.py's.

What is known of people and products comes in by intake/user_api.py and intake/product_api.py, is checked by
records/products.py, and kept in a records/table.py, which sqlite.py opens; records/file.py imports whole
catalogues.

Around it: config_file.py reads gateway.toml (in the units of units.py) into config.py, cli.py is the
command, app/supervisor.py runs the processes (app/intake.py, app/delivery.py, app/inspector.py) as
app/child.py, app/control.py and app/machine.py let it. app/delivery_processes.py gives each delivery
process its sinks, whose workers app/workers.py starts and stops. home.py knows every path, durable.py makes
what lies there, metrics.py counts and logs.py tells. inspector/pages.py shows operators what became of all
events, from inspector/ledger.py. tail.py follows the journal, and send.py imports files.
"""
