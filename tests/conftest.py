"""What holds for every test: no example is judged by the time it took, because these machines are shared."""

import os

from hypothesis import settings

if "CI" not in os.environ:  # there hypothesis takes its own profile, which has no time limit either
    settings.register_profile("assay", deadline=None)
    settings.load_profile("assay")
