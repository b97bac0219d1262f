"""TLS for Twisted: makers of connections that take the place of OpenSSL's.

``ServerOptions`` and ``ClientOptions`` go wherever Twisted takes an ``IOpenSSLServerConnectionCreator`` or an
``IOpenSSLClientConnectionCreator``: ``TLSMemoryBIOFactory``, ``startTLS``, ``wrapClientTLS``, ``listenSSL``,
``connectSSL`` and the endpoints. ``optionsForClientTLS`` and ``optionsForServerTLS`` take what Twisted's own take.

The connections that they make never learn of the protocol that they serve, and call nobody. So no reference cycle
goes through them, and no garbage collector has to run.
"""

try:
    import OpenSSL
    import twisted
except ImportError as error:
    raise ImportError("tlsbio.twisted needs Twisted and pyOpenSSL: pip install 'tlsbio[twisted]'") from error

from .connection import Connection
from .failures import ConfigError, TLSError
from .options import ClientOptions, ServerOptions, optionsForClientTLS, optionsForServerTLS

__all__ = [
    "ClientOptions",
    "ConfigError",
    "Connection",
    "ServerOptions",
    "TLSError",
    "optionsForClientTLS",
    "optionsForServerTLS",
]

del OpenSSL, twisted
