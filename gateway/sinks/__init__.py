"""Every Sink in this folder can be named in gateway.toml; adding a file here adds one."""

from importlib import import_module
from pkgutil import iter_modules

import msgspec

from gateway.sinks.base import Sink

for module in iter_modules(__path__):
    import_module(f"{__name__}.{module.name}")

KINDS: dict[str, type[Sink]] = {
    str(msgspec.inspect.type_info(sink).tag): sink  # type: ignore[attr-defined]  # a Struct's has one
    for sink in Sink.__subclasses__()
}
"""What `kind` may say."""
