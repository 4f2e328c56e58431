"""Run axe-core on a report in headless Chromium; prints every fault, exits 1 on a serious or critical one.

Not a pytest test: it needs Chromium and axe-core.  Run by hand:

    npm install axe-core
    python tests/helpers/axe_check.py report.html node_modules/axe-core/axe.min.js
"""

import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--virtual-time-budget=60000", "--window-size=1200,900",
)  # fmt: skip
RUN = """axe.run(document,{resultTypes:['violations']}).then(function(r){var p=document.createElement('pre');p.id='axe-out';
p.textContent=JSON.stringify({passes:r.passes.length,violations:r.violations.map(function(v){return{id:v.id,impact:v.impact,help:v.help,
nodes:v.nodes.slice(0,4).map(function(n){return n.html.slice(0,160)+' | '+n.failureSummary}),n:v.nodes.length}})});document.body.appendChild(p)})"""


def main(report: Path, axe: Path) -> int:
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", report.read_text(encoding="utf-8"))
    script = axe.read_text(encoding="utf-8").replace("</script", "<\\/script")
    page = page.replace("</body>", f"<script>{script}</script><script>{RUN}</script></body>")
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "page.html").write_text(page, encoding="utf-8")
        chromium = shutil.which("chromium") or shutil.which("chromium-browser") or "google-chrome"
        command = [
            chromium,
            *FLAGS,
            f"--user-data-dir={folder / 'profile'}",
            "--dump-dom",
            f"file://{folder / 'page.html'}",
        ]
        dom = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = re.search(r'<pre id="axe-out">(.*?)</pre>', dom, re.DOTALL)
    if found is None:
        sys.stdout.write("axe did not finish\n")
        return 1
    result = json.loads(html.unescape(found.group(1)))
    for fault in result["violations"]:
        sys.stdout.write(f"{fault['impact']}: {fault['id']}: {fault['help']} ({fault['n']} places)\n")
        for node in fault["nodes"]:
            sys.stdout.write(f"    {node}\n")
    serious = [f for f in result["violations"] if f["impact"] in ("serious", "critical")]
    sys.stdout.write(
        f"{result['passes']} rules passed, {len(result['violations'])} faults, {len(serious)} serious\n"
    )
    return 1 if serious else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
