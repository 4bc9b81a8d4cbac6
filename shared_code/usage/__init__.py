"""What environments use, month by month, and whether they may go on."""
