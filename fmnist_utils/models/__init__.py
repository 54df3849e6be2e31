"""The models, by name; importing this package registers them all."""

from fmnist_utils.basics import own
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
    prepare,
    register,
)

# Importing a module registers its models; this order is the order in which they are listed.
from fmnist_utils.models import projects  # isort: skip
from fmnist_utils.models import airbench  # isort: skip

own.load(__name__)

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
    "prepare",
    "projects",
    "register",
]


def __dir__() -> list[str]:
    return sorted(__all__)
