"""Waiting for something to become true: conditions with deadlines, never sleeps of a guessed length."""
import time


class Timeout(AssertionError):
    pass


def until(condition, timeout=10.0, what="condition", every=0.01):
    """Returns the first truthy value of `condition()`; what it raises meanwhile counts as "not yet"."""
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            value = condition()
            last = None
            if value:
                return value
        except (OSError, AssertionError, ValueError, KeyError, IndexError) as error:
            last = error
        if time.monotonic() >= deadline:
            raise Timeout(f"not within {timeout:g} s: {what}" + (f" (last: {last!r})" if last else ""))
        time.sleep(every)


def stays(condition, duration, what="condition", every=0.02):
    """Asserts that `condition()` holds over the whole duration: for what must *not* happen."""
    deadline = time.monotonic() + duration
    while time.monotonic() < deadline:
        if not condition():
            raise AssertionError(f"ceased to hold within {duration:g} s: {what}")
        time.sleep(every)
