"""What tests of several levels share: clients, corpora, proxies that fail on demand, services."""
