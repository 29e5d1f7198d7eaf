"""The thread between a role and its supervisor: one socket pair.

The role says `ready` on it. When the other end closes, the supervisor is gone, also by `kill -9`, and the role stops: a
thread waits for that, so that an event loop that hangs does not matter. No process group, no signal of the parent's
death: those differ between systems and miss a parent that forked.
"""

import os
import signal
import socket
import threading

VARIABLE = "LOTSE_LIFELINE_FD"
READY = b"ready\n"
# A role that does not stop by itself after its supervisor has gone has this long.
GRACE_SECONDS = 10.0


class Lifeline:
    """The role's end. Without a supervisor (`lotse role api` by hand, or under systemd) it does nothing."""

    def __init__(self, end: socket.socket | None) -> None:
        self._end = end
        if end is not None:
            threading.Thread(target=_watch, args=(end,), name="lifeline", daemon=True).start()

    @classmethod
    def from_environment(cls) -> "Lifeline":
        """The end that the supervisor passed on, taken out of the environment: grandchildren must not have it."""
        fd = os.environ.pop(VARIABLE, None)
        if fd is None:
            return cls(None)
        os.set_inheritable(int(fd), False)
        return cls(socket.socket(fileno=int(fd)))

    def ready(self) -> None:
        """Tell the supervisor that this role does its work now."""
        if self._end is not None:
            try:
                self._end.sendall(READY)
            except OSError:
                return  # it is gone; the watching thread stops us


def _watch(end: socket.socket) -> None:
    try:
        while end.recv(64):
            pass
    except OSError:
        pass  # as good as closed
    os.kill(os.getpid(), signal.SIGTERM)
    # A thread of this kind ends with the process; if the process does not end, it is ended.
    threading.Event().wait(GRACE_SECONDS)
    os._exit(1)
