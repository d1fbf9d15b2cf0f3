"""The small languages inside command lines, read by grammars of their own and put down again canonically."""
