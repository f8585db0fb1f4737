"""The few lines of HTML making that everything here goes through: nothing reaches a page unescaped."""

from __future__ import annotations

import html
from typing import TypeAlias

Attribute: TypeAlias = str | int | bool | None


def esc(text: str) -> str:
    """Text as HTML, quotes too; lone surrogates (undecodable file names) become ``?``."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"), quote=True)


def tag(name: str, inner: str = "", /, **attributes: Attribute) -> str:
    """One element around ``inner``, which is HTML already; attribute values are escaped here.

    ``True`` gives a bare attribute, ``False`` and ``None`` none; ``class_`` is ``class``, ``data_k`` is ``data-k``.
    """
    return f"{opening(name, **attributes)}{inner}</{name}>"


def opening(name: str, /, **attributes: Attribute) -> str:
    """The opening tag alone, for elements without an end (``img``, ``input``)."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{esc(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return f"<{name}{written}>"
