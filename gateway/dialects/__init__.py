"""Every module in this folder is a dialect; adding a file here adds one."""

from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from gateway.dialects.base import Dialect

_modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]

DIALECTS = {
    module.__name__.rpartition(".")[2]: cast(Dialect, module)
    for module in _modules
    if hasattr(module, "PATHS")
}
