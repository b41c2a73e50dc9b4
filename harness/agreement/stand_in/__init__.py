"""Can an AI rater stand in for people, how far can its scores be corrected, and how many ratings tell."""
