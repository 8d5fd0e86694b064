"""`run harvest`: how much of what free tiers give do gateways get, and at what waste. README.md says how it is measured."""
