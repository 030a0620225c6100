"""Bars as an SVG document that a README shows: one panel a measure, one bar a server, readable in light and dark."""

from collections.abc import Mapping
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, MARGIN, TITLE, HEADING, BAR, GAP = 760, 16, 30, 26, 18, 8
NAMES = 110
"""Pixels left of the bars."""
FIGURES = 70
"""Pixels for the figure behind the longest bar."""
OURS = "scpd"

STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-size: 15px; font-weight: 600 }
    .heading, .figure { fill: #59636e }
    .bar { fill: #8c959f }
    .ours { fill: #0969da }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc }
      .heading, .figure { fill: #9198a1 }
      .bar { fill: #656c76 }
      .ours { fill: #4493f8 }
    }
"""


class Panel(NamedTuple):
    """A measure of every server, by the server's name."""

    heading: str
    values: Mapping[str, float]

    @property
    def height(self) -> int:
        """In pixels."""
        return HEADING + len(self.values) * (BAR + GAP) + GAP


def draw(title: str, *panels: Panel) -> str:
    """The panels below each other."""
    parts, top = [f'<text class="title" x="{MARGIN}" y="{MARGIN + 12}">{escape(title)}</text>'], MARGIN + TITLE
    for panel in panels:
        parts += bars(panel, top)
        top += panel.height
    return (
        "\n  ".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" '
                f'viewBox="0 0 {WIDTH} {top}" role="img">',
                f"<title>{escape(title)}</title>",
                f"<style>{STYLE}  </style>",
                *parts,
            ]
        )
        + "\n</svg>\n"
    )


def bars(panel: Panel, top: int) -> list[str]:
    """The elements of a panel that begins `top` pixels down."""
    longest = max(panel.values.values()) or 1
    parts = [f'<text class="heading" x="{MARGIN}" y="{top + 14}">{escape(panel.heading)}</text>']
    for number, (name, value) in enumerate(panel.values.items()):
        y = top + HEADING + number * (BAR + GAP)
        width = (WIDTH - 2 * MARGIN - NAMES - FIGURES) * value / longest
        kind = "bar ours" if name.startswith(OURS) else "bar"
        parts += [
            f'<text x="{MARGIN}" y="{y + 14}">{escape(name)}</text>',
            f'<rect class="{kind}" x="{MARGIN + NAMES}" y="{y}" width="{max(width, 1):.0f}" height="{BAR}" rx="2"/>',
            f'<text class="figure" x="{MARGIN + NAMES + width + 6:.0f}" y="{y + 14}">{figure(value)}</text>',
        ]
    return parts


def figure(value: float) -> str:
    """As many digits as are worth reading."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
