"""Vercel's AI SDK (npm `ai` with `@ai-sdk/openai-compatible`) against a real proxy."""
import unittest

from support import node_client


class AiSdk(node_client.NodeClientCase):
    CLIENT = "ai_sdk"


if __name__ == "__main__":
    unittest.main()
