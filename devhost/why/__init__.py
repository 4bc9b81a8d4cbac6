"""Why an instance has not ended, in a sentence with its cause and one with its remedy."""
