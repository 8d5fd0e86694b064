"""LangChain (npm `@langchain/openai`) against a real proxy."""
import unittest

from support import node_client


class LangChain(node_client.NodeClientCase):
    CLIENT = "langchain"


if __name__ == "__main__":
    unittest.main()
