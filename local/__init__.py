"""The local stack: emulators, samples and demo; never deployed."""
