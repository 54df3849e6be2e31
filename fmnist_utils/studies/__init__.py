"""What the runs are about: the claims of the source projects, our own recipes, their ablation, the public figures."""

from fmnist_utils.studies import ablation, claims, projects, public, recipes

__all__ = ["ablation", "claims", "projects", "public", "recipes"]
