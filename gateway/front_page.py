"""The page at `/` of a listener: it tells a person who opens the address what the port is for."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape

import msgspec
from starlette.responses import Response

_NAME = "Event gateway"
_STYLE = """
:root { color-scheme: light dark; font: 17px/1.6 system-ui, sans-serif }
body { max-width: 38rem; margin: 14vh auto; padding: 0 1.5rem }
h1 { margin: 0; font-size: 1.6rem; letter-spacing: -.02em }
p { margin: .5rem 0 2rem; opacity: .8 }
dl { display: grid; grid-template-columns: auto 1fr; gap: .5rem 1.5rem; border-top: 1px solid #8886;
     padding-top: 1.5rem }
dt { font-family: ui-monospace, monospace } dd { margin: 0 }
a { color: light-dark(#0b57d0, #8ab4f8); text-decoration: none } a:hover { text-decoration: underline }
"""
_HEADERS = {
    "Cache-Control": "no-store",  # else a cache would show one client's version of the page to another
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class FrontPage(msgspec.Struct, frozen=True):
    """The content of a page. It is shown to everyone who reaches the port, and holds no secret."""

    purpose: str
    links: Mapping[str, str]
    """Paths on the same port; the text continues after the path: "answers while …"."""

    def response(self, accept: str) -> Response:
        """Return the page as HTML if the Accept header `accept` names HTML, as browsers' do, else as text."""
        if "text/html" in accept.lower():
            return Response(self._html(), 200, _HEADERS, "text/html; charset=utf-8")
        return Response(self._text(), 200, _HEADERS, "text/plain; charset=utf-8")

    def _text(self) -> str:
        width = max(map(len, self.links))
        lines = (f"  {path:<{width}}  {text}\n" for path, text in self.links.items())
        return f"{_NAME}\n\n{self.purpose}\n\n{''.join(lines)}"

    def _html(self) -> str:
        lines = (
            f'<dt><a href="{escape(path)}">{escape(path)}</a></dt><dd>{escape(text)}</dd>\n'
            for path, text in self.links.items()
        )
        return (
            f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{_NAME}</title>\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{_STYLE}</style>\n'
            f"</head>\n<body>\n<h1>{_NAME}</h1>\n<p>{escape(self.purpose)}</p>\n"
            f"<dl>\n{''.join(lines)}</dl>\n</body>\n</html>\n"
        )
