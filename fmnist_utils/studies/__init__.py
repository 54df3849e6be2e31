"""What the runs are about: the claims of the five projects, our own recipes, their ablation, the public figures."""

from fmnist_utils.studies import claims, recipes

__all__ = ["claims", "recipes"]
