"""The rules, a file for each family of losses. Each rule enters itself into the table."""

from lossbook.doctor.catalogue import classes
