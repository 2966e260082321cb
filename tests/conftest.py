"""What holds for every test: no example is judged by the time it took, because these machines are shared."""

from hypothesis import settings

settings.register_profile("assay", deadline=None)
settings.load_profile("assay")
