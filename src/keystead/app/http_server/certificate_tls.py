"""TLS that asks every client for a certificate and takes any it can prove to hold; judging it is for the application.

Flow: the event loop sees an `ssl.SSLContext`, and what that wraps is a pyOpenSSL connection over the loop's own memory
buffers. OpenSSL checks that the client holds the certificate's key; whether anybody vouches for the certificate is
asked later, for each client by its own rule (RFC 8705 sections 2.1 and 2.2).
Does not: resume sessions (each connection proves its certificate anew), renegotiate, or speak below TLS 1.2.
Why not `ssl` alone: it can ask for a certificate only together with refusing those no authority of its own vouches for
(decision 0035).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any, Final, TypeVar

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

CIPHERS: Final = b"ECDHE+AESGCM"
"""For TLS 1.2: the suites of RFC 9325 section 4.2, and no other."""

_LONGEST_CHAIN: Final = 8
_LARGEST: Final = 16_384
_CHUNK: Final = 65_536
_T = TypeVar("_T")


class CertificateContext(ssl.SSLContext):
    """A server context that asks for certificates. `certificate` and `key` are PEM files."""

    _context: SSL.Context

    def __new__(cls, certificate: str, key: str) -> CertificateContext:
        """Make the context. Raises: OSError, OpenSSL.SSL.Error when the files cannot be used."""
        made = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        made._context = _server_context(certificate, key)
        return made

    def __init__(self, certificate: str, key: str) -> None:
        super().__init__()

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *_: Any, **__: Any) -> ssl.SSLObject:
        """Return a connection over the event loop's buffers."""
        return CertificateConnection(self, self._context, incoming, outgoing)  # type: ignore[return-value]  # its shape


class CertificateConnection:
    """One connection, in the shape of `ssl.SSLObject`. `certificate` and `chain` are DER, empty until the handshake."""

    def __init__(
        self, owner: ssl.SSLContext, context: SSL.Context, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self.context = owner
        self.certificate = b""
        self.chain: tuple[bytes, ...] = ()
        self._incoming = incoming
        self._outgoing = outgoing
        self._connection = SSL.Connection(context, None)
        self._connection.set_accept_state()

    def do_handshake(self) -> None:
        """Go on with the handshake. Raises: ssl.SSLError, ssl.SSLWantReadError."""
        self._step(self._connection.do_handshake)
        leaf = self._connection.get_peer_certificate(as_cryptography=True)
        if leaf is not None:
            self.certificate = leaf.public_bytes(Encoding.DER)
            sent = self._connection.get_peer_cert_chain(as_cryptography=True) or []
            chain = [one.public_bytes(Encoding.DER) for one in sent[: _LONGEST_CHAIN + 1]]
            self.chain = tuple(one for one in chain if one != self.certificate)[:_LONGEST_CHAIN]

    def read(self, length: int = 1024, buffer: Any = None) -> bytes | int:
        """Return decrypted bytes, or fill a buffer and return how many. Nothing at the end of the stream."""
        try:
            if buffer is None:
                return self._step(lambda: self._connection.recv(length))
            return self._step(lambda: self._connection.recv_into(buffer, min(length, len(buffer))))
        except ssl.SSLZeroReturnError:
            return b"" if buffer is None else 0

    def write(self, data: bytes) -> int:
        """Encrypt and return how many bytes were taken."""
        return self._step(lambda: self._connection.send(data))

    def unwrap(self) -> None:
        """Say goodbye. Raises: ssl.SSLWantReadError until the client has said so too."""
        if not self._step(self._connection.shutdown):
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "the client has not said goodbye yet")

    def pending(self) -> int:
        """Return how many decrypted bytes wait; at least 1 where a read would find something else than "wait".

        The event loop asks this and its own buffer. The latter is always empty here, for OpenSSL was given everything:
        so what OpenSSL has not looked at yet is looked at now.
        """
        waiting = self._connection.pending()
        if waiting:
            return waiting
        try:
            self._step(lambda: self._connection.recv(1, socket.MSG_PEEK))
        except ssl.SSLWantReadError:
            return 0
        except ssl.SSLError:
            return 1
        return self._connection.pending()

    def getpeercert(self, binary_form: bool = False) -> bytes | dict[str, Any] | None:
        """Return the certificate in DER. The other form names nobody: nothing was validated."""
        return (self.certificate or None) if binary_form else {}

    def cipher(self) -> tuple[str, str, int] | None:
        """Return name, protocol and bits of the cipher."""
        connection = self._connection
        name = connection.get_cipher_name()
        if name is None:
            return None
        return name, connection.get_cipher_version() or "", connection.get_cipher_bits() or 0

    def version(self) -> str:
        """Return the version of TLS."""
        return self._connection.get_protocol_version_name()

    def compression(self) -> None:
        """Return None: nothing is compressed."""

    def selected_alpn_protocol(self) -> None:
        """Return None: HTTP/1.1 needs no negotiation."""

    def _step(self, operation: Callable[[], _T]) -> _T:
        """Feed what arrived, do one thing, and hand over what is to be sent, whatever came of it."""
        while self._incoming.pending:
            self._connection.bio_write(self._incoming.read(_CHUNK))
        if self._incoming.eof:
            self._connection.bio_shutdown()
        try:
            return operation()
        except SSL.WantReadError:
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "more has to arrive") from None
        except SSL.WantWriteError:
            raise ssl.SSLWantWriteError(ssl.SSL_ERROR_WANT_WRITE, "more has to be sent") from None
        except SSL.ZeroReturnError:
            raise ssl.SSLZeroReturnError(ssl.SSL_ERROR_ZERO_RETURN, "the client said goodbye") from None
        except SSL.SysCallError:
            raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the connection ended") from None
        except SSL.Error as error:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, f"TLS failed: {error}") from None
        finally:
            self._flush()

    def _flush(self) -> None:
        while True:
            try:
                self._outgoing.write(self._connection.bio_read(_CHUNK))
            except SSL.Error:
                return


def _server_context(certificate: str, key: str) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(CIPHERS)
    context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(b"keystead")
    context.set_verify_depth(_LONGEST_CHAIN)
    context.set_verify(SSL.VERIFY_PEER, _accept_any)
    context.use_certificate_chain_file(certificate)
    context.use_privatekey_file(key)
    context.check_privatekey()
    return context


def _accept_any(connection: SSL.Connection, certificate: object, error: int, depth: int, valid: int) -> bool:
    """Accept what the client showed. OpenSSL still checks that it holds the key."""
    return True
