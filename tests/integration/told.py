"""A process that tells of itself, and of two identifiers that nobody else may draw, and waits."""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from pathlib import Path

from db.ids import new_id


def main() -> None:
    told = {
        "pid": os.getpid(),
        "group": os.getpgrp(),
        "folder": str(Path.cwd()),
        "arguments": sys.argv[1:],
        "named": os.environ.get("NAMED"),
        "drawn": [str(new_id()), random.random()],
        "daemons": [each.daemon for each in threading.enumerate()[1:]],
    }
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    time.sleep(600)
