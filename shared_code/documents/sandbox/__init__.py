"""Files to chunks in processes of their own, where what parses untrusted bytes can do no harm.

processes: the parent's side; child: the reader process; messages: what they say to each other.

ADR 11 has the reasons.
"""

from shared_code.documents.sandbox.processes import ReadFile, close_readers, read_file

__all__ = ["ReadFile", "close_readers", "read_file"]
