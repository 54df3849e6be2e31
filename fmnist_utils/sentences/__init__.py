"""Sentences that follow from numbers: the words for how many, how much and which way, each with its condition.

Notebooks say nothing about a result but through these functions, so a word cannot disagree with its number.
Names (of classes, models, changes) are escaped for Markdown where they are put into a sentence.
"""

from fmnist_utils.sentences.baseline import confident, hardest, learns, overfits, wrongly
from fmnist_utils.sentences.changes import (
    CORRECTED,
    EFFECTS,
    MEASURED,
    NOT_LONGER,
    Judged,
    comparable,
    did_nothing,
    does,
    earns,
    effect,
    every,
    extremes,
    found,
    help_or_hurt,
    longer_training,
    moved,
    narrowed,
    part,
    pays_off,
    row,
    shift,
    sized,
    stopped,
    taken,
    tally,
    timing,
    unlike,
    verdicts,
)
from fmnist_utils.sentences.data import against, alike, balanced, found_by, leader, near_duplicates, repeats
from fmnist_utils.sentences.looks import alike_below, beside_linear, densest, no_better, tells_apart
from fmnist_utils.sentences.mistakes import (
    NO_JUDGES,
    ONE_PAIR,
    always_wrong,
    as_often,
    averaging,
    corrected,
    doubted,
    in_short,
    judges,
    majority,
    mixed_most,
    most_involved,
    recalled,
    repairs,
    resembles,
    same_nearest,
    shared_mistakes,
    sure_mistakes,
    weaker,
    wrong_for,
)
from fmnist_utils.sentences.nets import (
    against_public,
    best_and_worth,
    hardest_class,
    leads,
    sizes,
    worth,
    worth_their_cost,
)
from fmnist_utils.sentences.robustness import UNTAUGHT, hurts, protection, unmeasured
from fmnist_utils.sentences.series import CLAIM_VERDICTS, UNTRAINED, claimed, claims, enough_seeds, seeds, size, spreads
from fmnist_utils.sentences.trust import (
    MADE_ELSEWHERE,
    MAY_BELONG,
    MIRRORED,
    answered,
    lean,
    looked_into,
    strangest,
    surest_tenths,
    temperatures,
    told_apart,
    weightless,
)
from fmnist_utils.sentences.words import (
    budget,
    first_capital,
    how_many,
    largest,
    listing,
    plain,
    preview,
    ranges,
    shown,
    tenth,
    where,
)

# The one place where notebooks and reports find all of it.
__all__ = [
    "CLAIM_VERDICTS", "CORRECTED", "EFFECTS", "Judged", "MADE_ELSEWHERE", "MAY_BELONG", "MEASURED", "MIRRORED",
    "NOT_LONGER", "NO_JUDGES", "ONE_PAIR", "UNTAUGHT", "UNTRAINED", "against", "against_public", "alike", "alike_below",
    "always_wrong", "answered", "as_often", "averaging", "balanced", "beside_linear", "best_and_worth", "budget",
    "claimed", "claims", "comparable", "confident", "corrected", "densest", "did_nothing", "does", "doubted", "earns",
    "effect", "enough_seeds", "every", "extremes", "first_capital", "found", "found_by", "hardest", "hardest_class",
    "help_or_hurt", "how_many", "hurts", "in_short", "judges", "largest", "leader", "leads", "lean", "learns",
    "listing", "longer_training", "looked_into", "majority", "mixed_most", "most_involved", "moved", "narrowed",
    "near_duplicates", "no_better", "overfits", "part", "pays_off", "plain", "preview", "protection", "ranges",
    "recalled", "repairs", "repeats", "resembles", "row", "same_nearest", "seeds", "shared_mistakes", "shift", "shown",
    "size", "sized", "sizes", "spreads", "stopped", "strangest", "sure_mistakes", "surest_tenths", "taken", "tally",
    "tells_apart", "temperatures", "tenth", "timing", "told_apart", "unlike", "unmeasured", "verdicts", "weaker",
    "weightless", "where", "worth", "worth_their_cost", "wrong_for", "wrongly",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
