"""What the integration tests share: programs, a raw upstream, a strict HTTP client. Standard library only."""
