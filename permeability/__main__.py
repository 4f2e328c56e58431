"""``python -m permeability``: the command line where the script folder is not on the path, as often on Windows."""

from permeability.cli.commands import main

if __name__ == "__main__":
    main()
