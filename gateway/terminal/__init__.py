"""The governed shell's terminal: keys, line editor, prompt; the same over SSH and inside containers."""
