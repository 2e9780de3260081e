"""The memory backend: the contract in plain Python, for tests, for embedding, and as the oracle of the others.

Does not: survive the process, nor serve two of them.
"""

from keystead.storage.memory.store import MemoryStore

__all__ = ["MemoryStore"]
