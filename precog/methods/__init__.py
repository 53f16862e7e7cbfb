"""Trading methods: made from templates, proven on paper, activated, compared, and handed on as JSON.

A method is a strategy, a probability model and four configs in one version that never changes once it has left draft.
"""

from precog.domain.methods import Method, MethodConfigs, MethodStatus, Performance, Versioned
from precog.methods.compare import Compared, Comparison, compare_methods
from precog.methods.create import create_method
from precog.methods.lifecycle import (
    Activated,
    activate_method,
    deactivate_method,
    deprecate_method,
    get_method,
    list_methods,
    start_testing,
)
from precog.methods.transfer import Imported, export_method, import_method

__all__ = [
    "Activated",
    "Compared",
    "Comparison",
    "Imported",
    "Method",
    "MethodConfigs",
    "MethodStatus",
    "Performance",
    "Versioned",
    "activate_method",
    "compare_methods",
    "create_method",
    "deactivate_method",
    "deprecate_method",
    "export_method",
    "get_method",
    "import_method",
    "list_methods",
    "start_testing",
]
