"""Hands the loaded app its services: the clock that the sandbox can move, and the CA that only dev/ trusts.

Applies to an app whose function_app has `services` with `use(factory)`; any other app is served as it is.
"""

from __future__ import annotations

import os
import sys

from dev.host.clock import ShiftedClock
from dev.host.options import HostOptions


class SettingsInvalid(Exception):
    """The app's settings are wrong; `faults` has one sentence for each, naming it, without values."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def hand_over(options: HostOptions) -> None:
    """Give the app the factory of its services. Raises SettingsInvalid unless the options leave settings unchecked."""
    services = getattr(sys.modules.get("function_app"), "services", None)
    if services is None or not hasattr(services, "use"):
        return
    # The app's own modules, found in its folder: imported only now that it is known to have them.
    from shared.clock import SystemClock
    from shared.config import Config
    from shared.errors import NotConfigured
    from shared.services import build

    if options.check_settings:
        try:
            Config.from_environment(os.environ)
        except NotConfigured as error:
            raise SettingsInvalid(error.faults) from None
    clock = ShiftedClock(options.clock_file) if options.clock_file else SystemClock()
    ca_file = str(options.ca_file) if options.ca_file else None
    services.use(lambda: build(Config.from_environment(os.environ), clock, ca_file))
