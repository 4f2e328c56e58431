"""``python -m permeability.locale update | check``."""

from __future__ import annotations

import sys

from permeability.layers.whole_files import whole_file
from permeability.locale.catalogues import TRANSLATED, missing, mo_bytes, po_bytes, po_path, read_po, update
from permeability.locale.terms import off_terms


def main(arguments: list[str]) -> int:
    """Update and compile the catalogues, or say what they lack and where they leave the terms of the users' documents."""
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
    known = {
        language: [(m.id, m.string) for m in read_po(language) if m.id and m.string]
        for language in TRANSLATED
    }
    off = [
        f"{language}: {fault}" for language in TRANSLATED for fault in off_terms(language, known[language])
    ]
    sys.stderr.write(
        "\n".join([*gaps, *off, f"{len(gaps)} gaps, {len(off)} texts off the terms of data/terms.toml\n"])
    )
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
