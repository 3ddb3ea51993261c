from hypothesis import HealthCheck, Phase, seed, settings
import tests.domain.grid.test_grants_stateful as t
C = t.BookOfOnePort.TestCase
C.settings = settings(max_examples=600, stateful_step_count=50, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate], print_blob=False)
class TestIt(C):
    settings = C.settings
