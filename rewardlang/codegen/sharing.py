"""What several expressions of a function ask for: worked out once, on the line before the first.

Only geometry is shared: it is pure, it is what takes time, and its calls hold no calls. A line is
written when its expression is asked for, so what stands behind a `return` costs nothing before it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from rewardlang.codegen.atoms import GEOMETRY
from rewardlang.codegen.page import Page
from rewardlang.source import Span

_CALL = re.compile(rf"\b(?:{'|'.join(GEOMETRY)})\([^()]*\)")


class Scope:
    """Names for what occurs more than once in `texts`: all expressions of one block of a function.

    Call it with each expression in the order in which they are evaluated, in that block.
    """

    def __init__(self, page: Page, texts: Iterable[str]) -> None:
        self._page = page
        self._counts = Counter(call for text in texts for call in _CALL.findall(text))
        self._names: dict[str, str] = {}

    def __call__(self, text: str, span: Span | None) -> str:
        """`text` with names; lines that define those that are new are added to the page."""
        for call in _CALL.findall(text):
            if self._counts[call] > 1 and call not in self._names:
                function = call.partition("(")[0]
                self._names[call] = f"{function}_{len(self._names) + 1}"
                self._page.add(f"{self._names[call]} = {call}", span)
        return _CALL.sub(lambda found: self._names.get(found[0], found[0]), text)
