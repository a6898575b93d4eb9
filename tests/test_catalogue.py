"""The page of the methods is made from the index, and is up to date."""

from xaiutils import catalogue

DOCSTRING = r"""Two lines about
a method.

.. math:: A = \alpha
          + \beta

``alpha``  a symbol

Limit cases   No step gives 0;
              one step gives 1.
Cost          ``n`` passes.

A closing word that belongs to no section.
"""


def test_the_page_is_up_to_date():
    assert catalogue.PAGE.read_text(encoding="utf-8") == catalogue.page(), "write it anew: python -m xaiutils.catalogue"


def test_a_docstring_is_taken_apart():
    assert catalogue.sections(DOCSTRING) == {
        "summary": "Two lines about a method.",
        "formula": "A = \\alpha\n+ \\beta",
        "Limit cases": "No step gives 0; one step gives 1.",
        "Cost": "``n`` passes.",
    }


def test_signs_are_seen_by_running():
    assert catalogue.is_signed("input-x-gradient") and not catalogue.is_signed("saliency")


def test_baselines_are_read_off_the_arguments():
    assert catalogue.baseline("integrated-gradients") == "yes: black" and catalogue.baseline("saliency") == "no"


def test_every_method_says_what_it_costs_and_where_it_is_from():
    for name, method in catalogue.METHODS.items():
        parts = catalogue.sections(catalogue.inspect.getdoc(method))
        assert parts["formula"] and parts["Cost"] and parts["Source"] and parts["Limit cases"], name
