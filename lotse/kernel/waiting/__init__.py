"""Waiting rooms: one fair queue for people when more come than can be served. Knows no business and no HTTP.

- `rules`: pure decisions: when a room is open, how many are admitted per minute, how long a wait is, how often to ask.
- `places`: the signed cookie in which a visitor carries a ticket or a pass.
- `rooms`: what a process knows of the rooms, refreshed every second; takes tickets, moves the lines on.
- `commands`: what staff decide: open, plan, watch, close, set the rate; each change is audited.

A line is a row that deals out numbers and a mark that moves along them. A visitor's position is his number minus the
mark: nobody counts a queue to answer a refresh.
"""
