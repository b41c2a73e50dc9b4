"""What a label is worth: a small rater learns from people's labels and from a judge's, and is asked about others'."""
