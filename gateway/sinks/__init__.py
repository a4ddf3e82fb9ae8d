"""The sinks: every Sink subclass in this folder is a `kind` in gateway.toml. Adding a file adds a sink."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules

from gateway.sinks.base import Sink


class Kinds(Mapping[str, type[Sink]]):
    """
    The sinks by `kind`, which is the name of their file.

    A file is imported when first used, so that only configured sinks need their drivers. Raises
    ModuleNotFoundError if a driver is missing.
    """

    def __getitem__(self, kind: str) -> type[Sink]:
        if kind in _FILES:
            module = import_module(f"{__name__}.{kind}")
            for each in vars(module).values():
                if isinstance(each, type) and issubclass(each, Sink) and each.__struct_config__.tag == kind:
                    return each
        raise KeyError(kind)

    def __iter__(self) -> Iterator[str]:
        return filter(self._is_sink, _FILES)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _is_sink(self, name: str) -> bool:
        try:
            return name in self
        except ModuleNotFoundError:  # only a sink has a driver that may be missing
            return True


_FILES = sorted(module.name for module in iter_modules(__path__))

KINDS = Kinds()
