"""``python -m wsdefrag`` is the command ``wsdefrag``."""

from wsdefrag.cli import main

if __name__ == "__main__":
    main()
