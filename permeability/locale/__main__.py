"""``python -m permeability.locale update | check``."""

from __future__ import annotations

import sys

from permeability.layers.whole_files import whole_file
from permeability.locale.catalogues import TRANSLATED, missing, mo_bytes, po_bytes, po_path, update


def main(arguments: list[str]) -> int:
    """Update and compile the catalogues, or say what they lack."""
    if arguments == ["update"]:
        for language in TRANSLATED:
            catalogue, path = update(language), po_path(language)
            for target, data in ((path, po_bytes(catalogue)), (path.with_suffix(".mo"), mo_bytes(catalogue))):
                with whole_file(target) as aside:
                    aside.write_bytes(data)
    elif arguments != ["check"]:
        sys.stderr.write("usage: python -m permeability.locale update | check\n")
        return 2
    gaps = [f"{language}: {gap}" for language in TRANSLATED for gap in missing(language)]
    sys.stderr.write("\n".join([*gaps, f"{len(gaps)} gaps\n"]))
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
