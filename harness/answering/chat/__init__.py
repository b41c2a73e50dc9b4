"""Chat clients: calls go in, answers come out as they finish, and none is paid for twice."""
