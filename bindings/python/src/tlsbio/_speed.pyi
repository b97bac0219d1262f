from .channel import Channel as Channel
from .channel import MemoryBIO as MemoryBIO
