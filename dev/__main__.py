"""`python3 dev run|test|check|host ...`, started by whatever Python there is.

This file and dev/launcher/{start,pythons}.py run before Python 3.13 has been found: they keep to the syntax of
Python 3.6, and this one to that of Python 2 as well, so that every Python answers with a sentence.
"""

import os
import sys

if sys.version_info < (3, 6):
    sys.exit("Drawbridge needs Python 3.6 or later to start its commands (and 3.13 to run): python3 dev run")

HERE = os.path.dirname(os.path.abspath(__file__))
# `python3 dev` puts dev/ itself first, which would make dev/host the module `host`; imports start at the clone's root.
sys.path[:] = [os.path.dirname(HERE)] + [entry for entry in sys.path if os.path.abspath(entry or ".") != HERE]

from dev.launcher.start import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
