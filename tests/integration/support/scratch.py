"""The temporary files of a run: all below one folder, which goes when the process ends, however the tests ended. Until
then they stay, so that a failing test can show logs."""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

PREFIX = "429chain-tests-"
_root = None


def enter():
    """From here on every temporary file, of programs too, is made below the run's own folder."""
    global _root
    parent = Path(tempfile.gettempdir())
    clear_abandoned(parent)
    _root = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
    _root.chmod(0o755)  # servers that are measured drop their rights
    tempfile.tempdir = os.environ["TMPDIR"] = str(_root)
    atexit.register(clear)


def clear():
    """Who leaves by os._exit calls it; otherwise it happens by itself."""
    if _root is not None:
        shutil.rmtree(_root, ignore_errors=True)


def clear_abandoned(parent):
    """A run that was killed could not clear up: what belongs to no living process goes."""
    for found in parent.glob(PREFIX + "*"):
        owner = re.match(re.escape(PREFIX) + r"(\d+)-", found.name)
        if owner and not Path(f"/proc/{owner.group(1)}").exists():
            shutil.rmtree(found, ignore_errors=True)
