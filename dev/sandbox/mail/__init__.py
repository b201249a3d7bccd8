"""The mail that people find in their mailboxes."""
