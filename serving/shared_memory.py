"""Files in memory that the supervisor creates and its child processes share.

Whoever writes to a mapped file on a full disk is killed (SIGBUS). These files need no disk: the run
folder contains a link to each, and child processes open it like any other file. Standard library
only, as `supervisor.py`.
"""

import os
from pathlib import Path


def create_shared_file(link: Path, size: int) -> int:
    """Create a file of zeros in memory, and the link under which child processes open it.

    Args:
        link: Path of the link. It works in this process and in those that it starts.
        size: Bytes of the file; it can grow.

    Returns:
        The descriptor of the file, which lives as long as a process has it open.
    """
    descriptor = os.memfd_create(link.name, flags=0)
    os.ftruncate(descriptor, size)
    link.symlink_to(f"/proc/self/fd/{descriptor}")
    return descriptor
