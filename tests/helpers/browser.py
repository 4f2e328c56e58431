"""A real browser for tests of pages: headless Chromium, offline."""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BROWSER_OWN = (
    "google.com",
    "googleapis.com",
    "gvt1.com",
    "gstatic.com",
)  # what Chromium asks for itself, page or no page
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr", "--v=0",
)  # fmt: skip


def browse(url, profile, *flags):
    """Run headless Chromium once; stdout and the console lines of the page."""
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", *flags, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def with_script(path, script):
    """A copy of a page that runs one more script and writes its answer to ``#answer``; only the policy is loosened."""
    text = path.read_text(encoding="utf-8")
    text, n = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    assert n == 1  # of the page's own policy
    tail = (
        "<script>addEventListener('load',function(){var a=document.createElement('pre');a.id='answer';"
        f"a.textContent=JSON.stringify((function(){{{script}}})());document.body.appendChild(a)}})</script></body>"
    )
    copy = path.with_name("scripted.html")
    copy.write_text(text.replace("</body>", tail), encoding="utf-8")
    return copy.as_uri()


def under_its_policy(path, script):
    """A copy of a page with one more script, which the page's own policy allows by its hash beside its own."""
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    text, n = re.subn(
        r"script-src ", f"script-src 'sha256-{digest}' ", path.read_text(encoding="utf-8"), count=1
    )
    assert n == 1
    copy = path.with_name("under_policy.html")
    copy.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    return copy.as_uri()


def answer(dom):
    return json.loads(html.unescape(re.search(r'<pre id="answer">(.*?)</pre>', dom, re.DOTALL)[1]))
