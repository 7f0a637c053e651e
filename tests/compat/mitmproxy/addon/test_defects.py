"""Defects of mitmproxy's own layer, with the addon and without it.

For known releases, the outcome without the addon is listed too, which shows that each scenario can
fail; a later release may have repaired it.
"""

from __future__ import annotations

import pytest

from addon_defects import DEFECTS, PLAIN_RELEASES, Defect
from mitmdump import Mitmdump


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_with_the_addon_nothing_is_wrong(with_addon: Mitmdump, defect: Defect) -> None:
    assert defect.scenario(with_addon) == defect.right


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_without_it_the_scenario_fails(without: Mitmdump, defect: Defect) -> None:
    outcome = defect.scenario(without)
    assert defect.plain != defect.right
    if without.release in PLAIN_RELEASES:
        assert outcome == defect.plain
    else:
        assert outcome in (defect.plain, defect.right)
