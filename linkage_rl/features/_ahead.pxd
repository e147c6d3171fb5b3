"""Asks for memory before it is read: rows of a large table are in no cache."""

cdef extern from *:
    """
    /* without the empty statement gcc drops a function that does nothing else */
    #define prefetch(address) do { __builtin_prefetch(address); __asm__ volatile(""); } while (0)
    """
    void prefetch(const void* address) noexcept nogil

cdef enum:
    # pairs between the one whose row is asked for and the one that is read
    AHEAD = 12
