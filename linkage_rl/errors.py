"""Every error of the library; each message says what was expected, what came, and what to do."""


class LinkageError(Exception):
    """Base of all errors of linkage_rl; catching it catches every one of them."""


class SchemaError(LinkageError):
    """A table, file, column mapping or batch of records is not of the form that is needed."""


class InputFileError(LinkageError):
    """The content of a file cannot be read: encoding, ragged lines, duplicate ids, damage."""


class DatabaseError(LinkageError):
    """The company database cannot be reached, refuses the login, or failed a statement."""


class CandidateIndexError(LinkageError):
    """A saved candidate index is missing, damaged, or of another format version."""


class ResourceLimitError(LinkageError):
    """The system has no file descriptor or no memory left; what was to be opened may be whole."""


class BundleError(LinkageError):
    """A bundle lacks a part, fails its checksums, or gives its golden clients other answers."""


class IllegalActionError(LinkageError):
    """An action lies outside the action space of the decision process."""


class ConfigError(LinkageError):
    """A configuration value is not possible; the message names the key."""


class CollapsedPolicyError(LinkageError):
    """Training ended with a policy that never links; the message says how to avoid it."""


class OutputError(LinkageError):
    """A result cannot be written: disk full, folder missing, or no permission."""


class DeploymentError(LinkageError):
    """AWS refused a call, or a stack, release or endpoint failed to reach its target state."""
