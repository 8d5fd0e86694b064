"""The official OpenAI SDK for Node (npm `openai`) against a real proxy: what most clients are made of."""
import unittest

from support import node_client


class OpenAiSdk(node_client.NodeClientCase):
    CLIENT = "openai"


if __name__ == "__main__":
    unittest.main()
