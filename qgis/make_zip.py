"""Make the zip that QGIS installs: ``python qgis/make_zip.py [FOLDER]``.  The same files give the same bytes."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

PLUGIN = Path(__file__).parent / "permeability_provider"
MOST_BYTES = 200_000
LICENSE = Path(__file__).parents[1] / "LICENSE"


def make_zip(folder: Path) -> Path:
    """``permeability_provider.zip`` in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{PLUGIN.name}.zip"
    files = [p for p in sorted(PLUGIN.iterdir()) if p.suffix in (".py", ".txt")]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for path in [*files, LICENSE]:
            entry = zipfile.ZipInfo(f"{PLUGIN.name}/{path.name}", (2026, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            out.writestr(entry, path.read_bytes())
    size = target.stat().st_size
    if size >= MOST_BYTES:
        raise SystemExit(f"{target} has {size:,} bytes, more than {MOST_BYTES:,}")
    return target


if __name__ == "__main__":
    path = make_zip(Path(sys.argv[1] if len(sys.argv) > 1 else "build"))
    sys.stdout.write(f"{path} ({path.stat().st_size:,} bytes)\n")
