"""Programs in which tools run, apart from the server. They import nothing of the app, to be small and quick.

Run as `python -m hosts.<name>` from the folder above.
"""

import sys

if __name__ == "hosts":
    sys.path.pop(0)  # that folder's files are no modules for anybody else
