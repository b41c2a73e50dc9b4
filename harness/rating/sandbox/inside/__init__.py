"""The part of the sandbox that runs inside it: standard library only, and nothing else of the package is there."""
