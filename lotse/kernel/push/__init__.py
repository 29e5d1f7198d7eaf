"""Push: news to a browser on a device, also while the shop is not open there (W3C Push API, RFC 8030, 8291, 8292).

`rules` judge subscriptions and answers, encrypt and sign; `post` keeps devices and queues messages; `sender` sends them
as jobs of the worker. The mechanism knows no business: which pushes there are and what they say, the domains say
(`contracts.Push`). What is promised stands in README.md.
"""
