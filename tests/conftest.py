"""What holds for every test: no example is judged by the time it took, because these machines are shared."""

import os

from hypothesis import settings

settings.register_profile("assay", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=2_000)
"""Twenty times as many examples: `make fuzz`."""
if "ASSAY_THOROUGH" in os.environ:
    settings.load_profile("thorough")
elif "CI" not in os.environ:  # there hypothesis takes its own profile, which has no time limit either
    settings.load_profile("assay")
