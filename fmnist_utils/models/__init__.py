"""The models, by name; importing this package registers them all."""

import importlib
import pkgutil

from fmnist_utils.models.registry import (
    REGISTRY,
    Entry,
    build,
    check_options,
    count_multiply_adds,
    count_parameters,
    entry,
    model_table,
    names,
    register,
)

# Importing a module registers its models; this order is the order in which they are listed.
from fmnist_utils.models import projects  # isort: skip
from fmnist_utils.models import airbench  # isort: skip

for _module in pkgutil.iter_modules(__path__):  # and those of one's own
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = [
    "REGISTRY",
    "Entry",
    "airbench",
    "build",
    "check_options",
    "count_multiply_adds",
    "count_parameters",
    "entry",
    "model_table",
    "names",
    "projects",
    "register",
]
