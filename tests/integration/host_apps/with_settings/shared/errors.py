"""The app's errors."""


class NotConfigured(Exception):
    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__()
        self.faults = faults
