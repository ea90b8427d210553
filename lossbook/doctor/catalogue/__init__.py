"""The rules, a file for each family of losses. Each rule enters itself into the table."""

from importlib import import_module

for family in (
    "classes",
    "labels",
    "targets",
    "weights",
    "divergence",
    "binary",
    "answers",
    "vocabulary",
    "regression",
    "similarity",
    "triplets",
    "margin",
    "sequence",
    "general",
    "arguments",
    "training",
    "refused",
):
    import_module(f"lossbook.doctor.catalogue.{family}")
