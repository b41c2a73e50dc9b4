"""What others have evaluated: the logs of lm-eval and of Inspect, as plain rows."""
