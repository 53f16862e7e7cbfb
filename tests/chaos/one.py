"""`python -m tests.chaos.one SCENARIO SIZE`: one test, for the mutants. Its last line says as JSON what is broken."""

import json
import os
import sys

from tests.chaos.lanes import end_with
from tests.chaos.scenarios import findings

if __name__ == "__main__":
    name, size = sys.argv[1:]
    end_with(os.getppid())
    found = findings(name, 1, **json.loads(size))
    print(json.dumps({each.invariant: each.figure for each in found if each.holds is False}))
