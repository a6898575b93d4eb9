"""The AXAI ledger: every closed form in it recomputed from the printed values."""

import re

from xaiutils import claims, notebooks

LEDGER = claims.load(claims.repository() / "data" / "claims" / "axai.yaml")


def test_every_claim_belongs_to_a_notebook_that_exists():
    assert all(name.startswith("axai-") for name in LEDGER)
    written = {name for name in notebooks.names() if name.startswith("axai/")}
    assert {claim.notebook for claim in LEDGER.values()} == written


def test_every_rule_is_a_sentence():
    for claim in LEDGER.values():
        if claim.rule:
            assert re.fullmatch(r"[a-zA-Z].*\S", str(claim.build_rule())), claim.id


def test_orderings_and_trends_are_never_decided_below_medium():
    early = [claim.id for claim in LEDGER.values()
             if claim.kind in ("ordering", "trend") and claim.scale in ("toy", "small")]
    assert early == []
