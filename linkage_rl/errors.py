"""Every error a user can meet; each message says what was expected, what came, and what to do."""


class LinkageError(Exception):
    """Base of all errors of linkage_rl; catching it catches every one of them."""


class SchemaError(LinkageError):
    """A table, file or column mapping lacks something it must have."""


class InputFileError(LinkageError):
    """A file cannot be read as what it claims to be: encoding, raggedness, duplicate ids."""


class DatabaseError(LinkageError):
    """The company database cannot be reached, refuses the login, or failed a statement."""


class CandidateIndexError(LinkageError):
    """A saved candidate index is missing, damaged, or of another format version."""


class BundleError(LinkageError):
    """A bundle is missing a part, fails its checksums, or does not answer its golden clients."""


class IllegalActionError(LinkageError):
    """An action lies outside the action space of the decision process."""


class ConfigError(LinkageError):
    """A configuration value makes no sense; the message names the key."""


class CollapsedPolicyError(LinkageError):
    """Training fell into a policy that never links; the message says how to leave it."""


class OutputError(LinkageError):
    """A result cannot be written: disk full, folder missing, or no permission."""


class DeploymentError(LinkageError):
    """AWS refused something, or a stack, release or endpoint did not get where it should."""
