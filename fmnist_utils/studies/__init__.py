"""What the runs are about: the claims of the source projects, our own recipes, their ablation, the public figures."""

from fmnist_utils.studies import ablation, claims, projects, public, recipes

# By a notebook parameter's name: refuses, by a UserError, what no study is called.
CHECKS = {"recipe": recipes.find, "recipes": recipes.experiments, "claims": claims.find}

__all__ = ["CHECKS", "ablation", "claims", "projects", "public", "recipes"]


def __dir__() -> list[str]:
    return sorted(__all__)
