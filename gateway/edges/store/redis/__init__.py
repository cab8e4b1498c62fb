"""The book, the journal and the outbox in Redis or Valkey: many gateways, one truth."""
