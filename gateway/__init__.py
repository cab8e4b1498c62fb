"""An SMTP relay that lets out only mail that is allowed to leave."""
