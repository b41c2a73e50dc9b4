"""The learners that come with the harness."""
