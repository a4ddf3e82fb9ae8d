"""The sinks: every Sink subclass in this folder is a `kind` in gateway.toml. Adding a file adds a sink."""

from importlib import import_module
from pkgutil import iter_modules

import msgspec

from gateway.sinks.base import Sink

for module in iter_modules(__path__):
    import_module(f"{__name__}.{module.name}")

KINDS: dict[str, type[Sink]] = {
    str(msgspec.inspect.type_info(sink).tag): sink  # type: ignore[attr-defined]  # that of a Struct has one
    for sink in Sink.__subclasses__()
}
"""The sinks by the value of `kind`."""
