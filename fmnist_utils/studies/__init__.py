"""What the runs are about: the projects' claims, our recipes, their ablation, augmentations, the public figures."""

from fmnist_utils.studies import ablation, augmentation, claims, projects, public, recipes

# By a notebook parameter's name: refuses, by a UserError, what no study is called.
CHECKS = {"recipe": recipes.find, "recipes": recipes.find_all, "claims": claims.find}

__all__ = ["CHECKS", "ablation", "augmentation", "claims", "projects", "public", "recipes"]


def __dir__() -> list[str]:
    return sorted(__all__)
