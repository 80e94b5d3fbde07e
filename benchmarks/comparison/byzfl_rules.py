"""ByzFL's aggregators without the rest of its package, which imports plotting and data sets: seconds to
load, missing on a bare machine, and nothing that the aggregators need."""

import functools
import importlib
import importlib.util
import sys
import types


@functools.cache
def load():
    """(the module, "") or (None, why not)."""
    spec = importlib.util.find_spec("byzfl")
    if spec is None:
        return None, "not installed"
    bare = types.ModuleType("byzfl")
    bare.__path__ = list(spec.submodule_search_locations)
    sys.modules["byzfl"] = bare
    try:
        return importlib.import_module("byzfl.aggregators"), ""
    except ImportError as error:
        return None, f"not usable ({error})"
