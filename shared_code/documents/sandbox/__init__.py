"""Files to chunks in processes of their own, where what parses untrusted bytes can do no harm.

processes: the parent's side; child: the reader process; messages: what they say to each other.

ADR 11 has the reasons.
"""

from shared_code.documents.sandbox.processes import close_readers, read_chunks

__all__ = ["close_readers", "read_chunks"]
