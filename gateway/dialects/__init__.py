"""Every file and folder here except `base` and `shared` is a dialect; adding one adds a dialect."""

from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from gateway.dialects.base import Dialect

DIALECTS = {
    module.name: cast(Dialect, import_module(f"{__name__}.{module.name}{'.dialect' if module.ispkg else ''}"))
    for module in iter_modules(__path__)
    if module.name not in ("base", "shared")
}
