"""The live page from outside: the stream, the buttons, the books afterwards."""
