"""The rating page as one file: its styles and script within it, and a policy that lets nothing else run or load."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from harness.catalog import Catalog


def one_file(block: str, content: dict[str, Any], catalog: Catalog) -> str:
    """Return the page with a block of JSON, by whose id the script knows whom to ask.

    Args:
        block: `offline` where the page itself keeps the answers, `embedded` where the frame around it takes them.
        content: What the block holds.
        catalog: Where the page's files are found.
    """
    text = {
        name: catalog.file(f"reports/{name}").read_text(encoding="utf-8")
        for name in ("annotate/page.html", "annotate/annotate.js", "annotate/annotate.css", "page/page.css")
    }
    script = text["annotate/annotate.js"]
    proof = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; script-src 'sha256-{proof}'; style-src 'unsafe-inline'"
    policy += "; base-uri 'none'; form-action 'none'"
    data = json.dumps(content, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        data = data.replace(character, f"\\u{ord(character):04x}")
    head, body = text["annotate/page.html"].split("<link", 1)
    body = body[body.index("</head>") :]
    styles = f"<style>{text['page/page.css']}{text['annotate/annotate.css']}</style>\n"
    security = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    shown = f'<script type="application/json" id="{block}">{data}</script>\n<script>{script}</script>\n'
    return head + security + styles + body.replace("</body>", f"{shown}</body>")
