"""People as raters: sheets and pages go out, ratings come back under pseudonyms."""
