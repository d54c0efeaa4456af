"""What is measured: the name of each measure, what it means, which way is better, and how it is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Axis = Literal["fidelity", "utility", "privacy", "fairness"]
Better = Literal["lower", "higher", "half"]
"""`half`: 0.5 is what chance gives, and larger is worse."""


@dataclass(frozen=True)
class Measure:
    """One way to judge records."""

    title: str
    axis: Axis
    better: Better
    method: str
    """How it is found, with its source."""
    unit: str = ""
    tells: bool = True
    """Whether it must tell the reference rows apart to be used."""


MEASURES: dict[str, Measure] = {
    "frechet_distance": Measure(
        "Fréchet distance", "fidelity", "lower", "Between features of a network trained on real data (Heusel 2017)."
    ),
    "kernel_distance": Measure(
        "Kernel distance (KID)",
        "fidelity",
        "lower",
        "Unbiased squared MMD with a cubic kernel on the same features (Bińkowski 2018).",
    ),
    "precision": Measure(
        "Precision", "fidelity", "higher", "Share of records within the real ones' neighbourhoods (Kynkäänniemi 2019)."
    ),
    "recall": Measure(
        "Recall", "fidelity", "higher", "Share of real records within the records' neighbourhoods (Kynkäänniemi 2019)."
    ),
    "density": Measure(
        "Density", "fidelity", "higher", "Real neighbourhoods a record lies in, over their number (Naeem 2020)."
    ),
    "coverage": Measure(
        "Coverage", "fidelity", "higher", "Share of real records with a record in their neighbourhood (Naeem 2020)."
    ),
    "two_sample_auc": Measure(
        "Two-sample test",
        "fidelity",
        "half",
        "AUC of boosted trees that tell records from real ones, patients kept apart (Lopez-Paz 2017).",
    ),
    "spectrum": Measure(
        "Power spectrum", "fidelity", "lower", "Mean absolute difference of mean log spectra.", unit="dB"
    ),
    "physiology": Measure(
        "Physiology", "fidelity", "lower", "Kolmogorov-Smirnov distance of what the field measures on a record."
    ),
    "violations": Measure("Violations", "fidelity", "lower", "Share of records that break a rule of the data."),
    "column_shape": Measure(
        "Column shapes",
        "fidelity",
        "higher",
        "1 minus Kolmogorov-Smirnov distance (numbers) or total variation (categories).",
    ),
    "pair_correlation": Measure(
        "Pair correlations",
        "fidelity",
        "lower",
        "Mean absolute difference of Spearman's rho, Cramér's V or correlation ratio over all pairs of columns.",
    ),
    "missing_categories": Measure(
        "Missing categories", "fidelity", "lower", "Share of the categories of real data that never occur."
    ),
    "tstr": Measure(
        "Train on it, test on real",
        "utility",
        "higher",
        "Macro-F1 on held-out real patients of classifiers trained on these records only (Esteban 2017).",
    ),
    "tstr_class": Measure("The same, one class", "utility", "higher", "F1 of the class."),
    "trts": Measure(
        "Train on real, test on it",
        "utility",
        "higher",
        "Macro-F1 on these records of classifiers trained on real ones: are they what they claim to be?",
        tells=False,
    ),
    "rare_recall": Measure(
        "Recall of the rare class",
        "utility",
        "higher",
        "On held-out real patients, of classifiers trained on real records and these of the rare class.",
        tells=False,
    ),
    "rare_macro_f1": Measure(
        "Macro-F1 with the rare class augmented", "utility", "higher", "Of the same classifiers.", tells=False
    ),
    "dcr_share": Measure(
        "Closer to training than to held-out records",
        "privacy",
        "half",
        "Share of records whose nearest real record is one of training, as with as many held-out ones.",
    ),
    "nndr": Measure(
        "Nearest-neighbour ratio", "privacy", "higher", "Of the distances to the nearest two training records."
    ),
    "exact_copies": Measure("Copies", "privacy", "lower", "Share of records equal to a training record."),
    "distance_auc": Measure(
        "Membership from records (AUC)",
        "privacy",
        "half",
        "Black-box attack: was a real record in training? Scored by its distance to the nearest record.",
    ),
    "distance_tpr": Measure(
        "Membership from records (TPR at 1 % FPR)", "privacy", "lower", "The same attack, where it is surest."
    ),
    "loss_auc": Measure(
        "Membership from weights (AUC)",
        "privacy",
        "half",
        "White-box attack: how well the shipped graph can reproduce a record, over its noise (GAN-Leaks 2020).",
        tells=False,
    ),
    "loss_tpr": Measure(
        "Membership from weights (TPR at 1 % FPR)",
        "privacy",
        "lower",
        "The same attack, where it is surest.",
        tells=False,
    ),
    "loss_control": Measure(
        "Control: members against members",
        "privacy",
        "half",
        "The same attack where there is nothing to find.",
        tells=False,
    ),
    "lira_auc": Measure(
        "Likelihood-ratio attack (AUC)",
        "privacy",
        "half",
        "White-box loss against shadow generators trained with and without the record (Carlini 2022).",
        tells=False,
    ),
    "lira_tpr": Measure(
        "Likelihood-ratio attack (TPR at 1 % FPR)",
        "privacy",
        "lower",
        "The same attack, where it is surest.",
        tells=False,
    ),
    "lira_control": Measure(
        "Control of the likelihood ratio",
        "privacy",
        "half",
        "The same attack where there is nothing to find.",
        tells=False,
    ),
    "singling_out": Measure(
        "Singling out", "privacy", "lower", "Risk beyond held-out rows that a found predicate isolates one patient."
    ),
    "linkability": Measure(
        "Linkability", "privacy", "lower", "Risk beyond held-out rows that two halves of a row are linked."
    ),
    "inference": Measure(
        "Attribute inference", "privacy", "lower", "Risk beyond held-out rows that a known row's column is guessed."
    ),
    "group_coverage": Measure(
        "Coverage of a group", "fairness", "higher", "Share of the group's real records that records come near to."
    ),
    "group_accuracy": Measure(
        "Accuracy on a group",
        "fairness",
        "higher",
        "Balanced accuracy on the group's held-out patients of classifiers trained on these records only.",
    ),
    "class_share": Measure(
        "Share of a class",
        "fairness",
        "higher",
        "Among records whose class the generator chose itself; beside it the share in training.",
        tells=False,
    ),
}
"""By the name used in evidence, in the order of reports."""
