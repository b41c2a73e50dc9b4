"""What a rise may hide: over-optimising, forgetting, collapse, over-confidence. Each says yes, no or unknown."""
