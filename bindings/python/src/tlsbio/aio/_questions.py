"""What a handshake asks the application: whether the peer is trusted, and for signatures by a key that is elsewhere."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

from .. import identity_question
from .._native import ffi, lib
from ..config import Context
from ..connection import Connection
from ..context import SSLContext
from ..errors import Error
from ..identity_question import IdentityRequest
from ._facts import Facts

#: Given what is known of the connection, answers True to trust the peer, None to let the context's rules decide, False
#: to refuse; or raises. Asked by contexts with ``Builder.verify(TLS_VERIFY_ASK)``: on a server with ``client_auth()``
#: about a client that shows no certificate, too. That one's handshake is done by then: it is told by the end alone.
Verify = Callable[[Facts], "bool | Awaitable[bool | None] | None"]
#: Given what is known of the connection, the signature scheme by IANA number, and the message, which is not hashed yet,
#: answers the signature in the form that TLS sends. Asked by identities of ``Builder.identity_external``.
Sign = Callable[[Facts, int, bytes], "bytes | Awaitable[bytes]"]

#: Given what is known of the connection, and what the server says of the certificates that it takes, answers a context
#: for clients whose certificate is shown, or None to show none. Asked of clients whose server wants a certificate.
ChooseIdentity = Callable[
    [Facts, IdentityRequest], "Context | SSLContext | Awaitable[Context | SSLContext | None] | None"
]

#: Beside the library's questions: about a client that has shown nothing.
ASK_ABOUT_NOBODY = object()

_VERDICTS = {True: 0, None: -1, False: 42}
# Alerts (RFC 8446, 6.2).
_HANDSHAKE_FAILURE = 40
_BAD_CERTIFICATE = 42


def ask(
    connection: Connection,
    question: object,
    facts: Facts,
    verify: Verify | None,
    sign: Sign | None,
    identity: ChooseIdentity | None,
) -> object:
    """Asks, and answers what the application did, which may be something to wait for."""
    if question in (lib.TLS_ASK_VERIFY, ASK_ABOUT_NOBODY):
        if verify is None:
            raise ValueError("this context leaves verification to the application: give a function as verify")
        return verify(facts)
    if question == lib.TLS_ASK_IDENTITY:
        if identity is None:
            raise ValueError("this context asks which identity to show: give a function as identity")
        return identity(facts, identity_question.read(connection._handle))
    if sign is None:
        raise ValueError("this context's key is elsewhere: give a function as sign")
    length = lib.tls_sign_message(connection._handle, ffi.NULL, 0)
    message = ffi.new("char[]", max(length, 1))
    lib.tls_sign_message(connection._handle, message, length)
    return sign(facts, int(lib.tls_sign_scheme(connection._handle)), ffi.buffer(message, length)[:])


def hand_in(connection: Connection, question: object, answer: object) -> None:
    """Gives the library the application's answer."""
    if question in (lib.TLS_ASK_VERIFY, ASK_ABOUT_NOBODY):
        if answer is not None and not isinstance(answer, bool):
            raise TypeError(f"verify has to answer True, False or None, not {answer!r}")
        if question == lib.TLS_ASK_VERIFY:
            connection.answer_verify(_VERDICTS[answer])
        elif answer is False:
            raise ssl.SSLCertVerificationError("the client showed no certificate, and the application refused it")
    elif question == lib.TLS_ASK_IDENTITY:
        if isinstance(answer, SSLContext):
            answer = answer._identity_context()
        elif answer is not None and not isinstance(answer, Context):
            raise TypeError(f"identity has to answer a context for clients or None, not {type(answer).__name__}")
        connection.answer_identity(answer)
    elif not isinstance(answer, bytes):
        raise TypeError(f"sign has to answer bytes, not {type(answer).__name__}")
    else:
        connection.answer_sign(answer)
        try:
            connection.advance()
        except Error as error:
            # It is the application's signer that was wrong, and so the application that is told. Every other error
            # is the handshake's, and comes again with its next step.
            if error.reason == lib.TLS_REASON_SIGNATURE_WRONG:
                raise


def alert_for(error: BaseException) -> int:
    """What the peer is told if the application raised this instead of an answer."""
    return _BAD_CERTIFICATE if isinstance(error, ssl.CertificateError) else _HANDSHAKE_FAILURE
