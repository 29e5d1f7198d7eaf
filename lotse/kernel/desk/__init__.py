"""The desk: everything that takes or gives quantities commits here, in batches. Knows no business.

- `kinds`: what a domain registers: kinds of work, rows to lock, a pure decision, rows to write.
- `batch`: one batch is one transaction.
- `desk`: the queue before the batches; `socket`: the same over a Unix socket.
"""

from lotse.kernel.desk.desk import Desk, InProcessDesk
from lotse.kernel.desk.kinds import Draft, Finish, Kind, Lock
from lotse.kernel.desk.socket import DeskClient

__all__ = ["Desk", "DeskClient", "Draft", "Finish", "InProcessDesk", "Kind", "Lock"]
