"""Ví Số: a digital-identity wallet backend."""

__version__ = "0.1.0"
