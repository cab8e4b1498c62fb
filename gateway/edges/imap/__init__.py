"""Reads a mailbox that belongs to somebody else over IMAP (RFC 9051, RFC 3501): looks, and leaves everything as it lies."""
