"""Property tests are seeded, and are not judged by how busy the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile("deeplin", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("deeplin")
