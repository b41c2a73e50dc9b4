"""Tasks whose items are made as many as are wanted: what a learner practises on, and what it is held out from."""
