"""
HTML, made of elements. Text is escaped unless it is HTML already.
"""

from html import escape


class Html(str):
    """
    HTML that needs no escaping.
    """

    __slots__ = ()


def element(name: str, *content: str, **attributes: str) -> Html:
    """
    Make an element. Attributes are named as Python lets them be: `class_` for `class`, `aria_label` for `aria-label`.
    """
    names = (key.rstrip("_").replace("_", "-") for key in attributes)
    told = "".join(f' {key}="{escape(value)}"' for key, value in zip(names, attributes.values(), strict=True))
    return Html(f"<{name}{told}>{joined(*content)}</{name}>")


def joined(*content: str) -> Html:
    """
    Put pieces one after the other.
    """
    return Html("".join(piece if isinstance(piece, Html) else escape(piece) for piece in content))
