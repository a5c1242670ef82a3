"""Mails to people: which one, to whom, in which words. The function mailer sends them (docs/people.md)."""
