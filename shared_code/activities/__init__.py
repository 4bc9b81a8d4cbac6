"""The steps of jobs as their activities run them."""
