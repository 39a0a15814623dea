"""Kraken's private REST signature, and the request for a WebSocket token: pure bytes, no sending.

    API-Sign = base64(HMAC-SHA512(base64decode(secret), path + SHA256(nonce + body)))
Source: Kraken guide "Spot REST authentication"; its published vector is a test.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import msgspec

from desk.errors import Final

TOKEN_PATH = "/0/private/GetWebSocketsToken"  # noqa: S105 - an address, not a secret


def sign(secret: str, path: str, nonce: str, body: bytes) -> str:
    """The API-Sign header. Raises Final when the secret is not base64."""
    try:
        key = base64.b64decode(secret, validate=True)
    except ValueError as err:
        raise Final("the API secret is not valid base64; copy it again from the venue") from err
    digest = hashlib.sha256(nonce.encode() + body).digest()
    return base64.b64encode(hmac.new(key, path.encode() + digest, hashlib.sha512).digest()).decode()


def token_request(key: str, secret: str, nonce: int) -> tuple[dict[str, str], bytes]:
    """(headers, body) of the POST to TOKEN_PATH. The nonce must rise with every call of the same key."""
    body = f"nonce={nonce}".encode()
    headers = {
        "API-Key": key,
        "API-Sign": sign(secret, TOKEN_PATH, str(nonce), body),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return headers, body


class _Token(msgspec.Struct):
    token: str


class _Answer(msgspec.Struct):
    error: list[str] = []
    result: _Token | None = None


def token_of(answer: bytes) -> str:
    """The token in the venue's answer; raises Final with the venue's words when there is none."""
    try:
        said = msgspec.json.decode(answer, type=_Answer)
    except msgspec.DecodeError as err:
        raise Final(f"the venue's answer about the WebSocket token is not understood: {err}") from err
    if said.result is None:
        raise Final(f"the venue gave no WebSocket token: {', '.join(said.error) or 'no reason given'}")
    return said.result.token
