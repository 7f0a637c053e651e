"""Runs the command ``wsdefrag`` for ``python -m wsdefrag``."""

from wsdefrag.cli import main

if __name__ == "__main__":
    main()
