"""The local stack: storage emulator, sample data and demo; never deployed."""
