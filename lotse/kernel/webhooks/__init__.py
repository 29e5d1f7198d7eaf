"""Webhooks: events of the log, sent to other systems as Standard Webhooks (standardwebhooks.com, specification 1.0).

`rules` sign, judge and pause; `commands` and `queries` are what API, pages and command line use; `sender` gathers
events for endpoints and sends them, in the worker. What a receiver may rely on stands in docs/guides/webhooks.md.
"""
