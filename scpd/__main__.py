"""`python -m scpd`."""

import sys

from scpd.cli import main

if __name__ == "__main__":
    sys.exit(main())
