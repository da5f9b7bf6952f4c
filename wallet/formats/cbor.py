"""CBOR for the formats: the reader and writer stand in `wallet.crypto.cbor`, below COSE, which needs them first."""

from wallet.crypto.cbor import MAX_CODE_BYTES, MAX_DEPTH, MAX_INTEGER, Tagged, Wider, decode, encode

__all__ = ["MAX_CODE_BYTES", "MAX_DEPTH", "MAX_INTEGER", "Tagged", "Wider", "decode", "encode"]
