"""The words of each language that decide what a reply asks; patterns as text, compiled by `gateway.core.intent_words`."""
