"""Templates -> text."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def filled(template: str, *, package: str = "rewardlang.inspecting", **values: Any) -> str:
    """The text of a template in `templates` of a package, ending in one line break."""
    return _environment(package).get_template(template).render(**values).strip() + "\n"


@cache
def _environment(package: str) -> Environment:
    return Environment(
        loader=PackageLoader(package),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # the pages are Markdown and plain text, for people and for models
    )
