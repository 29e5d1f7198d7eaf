"""Mail: messages of domains, written from templates that staff may edit, queued with the events they tell of.

`writing` makes a message of a template, `texts` keeps what staff edited, `post` queues, `sender` sends in the worker,
`bounces` reads what came back. The mechanism knows no business: which mails there are, the domains say
(`contracts.Mail`). What is promised stands in README.md.
"""
