"""Examples of the main job: signing in, asking for a document, revoking, checking."""

from typing import Any

from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import both

_DOCUMENT = "doc_0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c0e"
_REQUEST = "req_7d1e3f5a9c2b4d6e8f0a1c3e5b7d9f20"
_CODE = "VD1:6BF+70790T9WJWG.FKY*4GO0.O1CV2 O5 N2FBBRW1*70HS8WY04AC*WIFN0AHCD8KD97TK0F90KECTHGWJC0FDC:5AIA"
_TITLE = {"vi": "Xác nhận thông tin về cư trú", "en": "Confirmation of residence"}

_SUMMARY: dict[str, Any] = {
    "id": _DOCUMENT,
    "request_id": _REQUEST,
    "utility": "residence",
    "kind": "residence",
    "kind_version": 1,
    "rules_version": "2024-01",
    "state": "valid",
    "issued_at": "2026-03-02T05:00:00Z",
    "expires_at": "2027-03-02T17:00:00Z",
}
_UTILITY: dict[str, Any] = {
    "code": "residence",
    "version": 1,
    "title": _TITLE,
    "state": "open",
    "minimum_account_level": 2,
    "minimum_auth_level": 2,
    "lifecycle": "instant",
}
_SESSION: dict[str, Any] = {
    "session_id": "ses_4c6e8a0b2d4f6081a3c5e7092b4d6f8e",
    "access_token": "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl",
    "token_type": "Bearer",
    "expires_in": 600,
    "refresh_token": "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl",
    "refresh_expires_at": "2026-04-01T05:00:00Z",
    "account_level": 2,
    "auth_level": 2,
}
_VERDICT: dict[str, Any] = {
    "verdict": "valid",
    "reasons": ["ok"],
    "accepted": True,
    "checked": ["code", "shape", "key", "signature", "dates", "status", "policy"],
    "holder_binding": "none",
    "checked_at": "2026-03-02T05:00:01Z",
    "bundle_age_seconds": 0,
    "status_age_seconds": 0,
    "sample_mark": SAMPLE_MARK,
    "document": {
        "id": _DOCUMENT,
        "issuer": {"code": "VN-MAU", "name": {"vi": "Ví Số (cơ quan cấp mẫu)", "en": "Ví Số (sample issuer)"}},
        "utility": {"code": "residence", "version": 1, "title": _TITLE},
        "issued_at": "2026-03-02T05:00:00Z",
        "expires_at": "2027-03-02T17:00:00Z",
        "claims": [
            {
                "n": 1,
                "name": "full_name",
                "label": {"vi": "Họ, chữ đệm và tên", "en": "Full name"},
                "kind": "text",
                "value": "Nguyễn Mẫu An",
            }
        ],
    },
}

_SD_JWT_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "kid": "0a1b2c3d4e5f6071",
    "use": "sig",
    "alg": "ES256",
    "viso_role": "sdjwt",
    "x5c": ["MIIB..."],
}
_TYPE = {
    "vct": "https://vi.example.vn/v1/types/residence/1",
    "name": "residence 1",
    "description": "Confirmation of residence information",
    "display": [
        {"locale": "vi", "name": "Xác nhận thông tin về cư trú"},
        {"locale": "en", "name": "Confirmation of residence information"},
    ],
    "claims": [
        {
            "path": ["full_name"],
            "display": [{"locale": "vi", "label": "Họ, chữ đệm và tên"}, {"locale": "en", "label": "Full name"}],
            "sd": "always",
        },
        {
            "path": ["household_members", None, "full_name"],
            "display": [{"locale": "vi", "label": "Họ, chữ đệm và tên"}, {"locale": "en", "label": "Full name"}],
            "sd": "always",
        },
    ],
}

BODIES: dict[str, Any] = {
    "create_device_challenge": {"device_id": "dev_9a1c3e5b7d9f20416c8e0a2b4d6f8071"},
    "sign_in": {
        "proof": "eyJ0eXAiOiJ2aXNvLWRldmljZS1wcm9vZitqd3QifQ.e30.c2lnbmF0dXJl",
        "number": "099090000001",
        "password": "MatKhau#2026",
    },
    "refresh_session": {"refresh_token": "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl"},
    "step_up": {"passcode": "280517", "proof": "eyJ0eXAiOiJ2aXNvLWRldmljZS1wcm9vZitqd3QifQ.e30.c2lnbmF0dXJl"},
    "revoke_document": {"reason": "data_changed"},
    "suspend_document": {"reason": "data_disputed"},
    "reinstate_document": {"reason": "ground_gone"},
    "check_code": {"code": _CODE},
}
"""Operation to the body of a request."""

ANSWERS: dict[str, dict[str, Any]] = {
    "create_device_challenge": {
        "201": {"challenge": "djE.aGFpbXVvaQ.c2lnbmF0dXJl", "expires_at": "2026-03-02T05:02:00Z"}
    },
    "sign_in": {"201": _SESSION},
    "refresh_session": {"200": _SESSION},
    "step_up": {"200": _SESSION},
    "read_me": {
        "200": {
            "account_id": "acc_1c3e5b7d9f2a4c6e8092b4d6f8a0c1e3",
            "account_level": 2,
            "auth_level": 2,
            "state": "active",
            "full_name": "Nguyễn Mẫu An",
            "number_masked": "********0001",
            "birth_date": "1990-06-15",
            "device": {
                "id": "dev_9a1c3e5b7d9f20416c8e0a2b4d6f8071",
                "name": "Điện thoại của An",
                "bound_at": "2026-01-05T03:00:00Z",
            },
            "session": {
                "id": "ses_4c6e8a0b2d4f6081a3c5e7092b4d6f8e",
                "created_at": "2026-03-02T05:00:00Z",
                "expires_at": "2026-04-01T05:00:00Z",
            },
        }
    },
    "list_utilities": {"200": {"data": [_UTILITY]}},
    "read_utility": {
        "200": _UTILITY
        | {
            "agency": {"code": "commune_police", "name": {"vi": "Công an cấp xã", "en": "Commune police"}},
            "who": ["guardian", "self"],
            "rules": {
                "version": "2024-01",
                "effective_from": "2024-01-01",
                "legal_basis": "Luật Cư trú 68/2020/QH14; Thông tư 66/2023/TT-BCA (CT07)",
                "working_days": 0,
                "working_hours": 0,
                "extended_working_days": 0,
            },
            "documents": [
                {
                    "code": "residence",
                    "version": 1,
                    "title": _TITLE,
                    "validity_days": 365,
                    "asking": "anyone",
                    "purposes": [],
                    "claims": [
                        {
                            "number": 1,
                            "name": "full_name",
                            "kind": "text",
                            "source": "population",
                            "paper": "required",
                            "required": True,
                            "label": {"vi": "Họ, chữ đệm và tên", "en": "Full name"},
                        }
                    ],
                }
            ],
        }
    },
    "list_documents": {"200": {"data": [_SUMMARY], "next_cursor": None}},
    "read_document": {
        "200": _SUMMARY
        | {
            "code": _CODE,
            "claims": {"full_name": "Nguyễn Mẫu An", "birth_date": "1990-06-15"},
            "codes": [],
            "sources": {"full_name": {"source": "population", "as_of": "2026-01-12T03:00:00+00:00"}},
            "salt": "n7v0Yw1k2m3p4q5r6s7t8A",
            "forms": [
                {"form": "code", "media_type": "text/plain", "href": f"/v1/documents/{_DOCUMENT}/code.txt"},
                {
                    "form": "sd_jwt",
                    "media_type": "application/dc+sd-jwt",
                    "href": f"/v1/documents/{_DOCUMENT}/document.sdjwt",
                },
            ],
            "sample_mark": SAMPLE_MARK,
        }
    },
    "read_code_text": {"200": _CODE},
    "revoke_document": {
        "201": {
            "document_id": _DOCUMENT,
            "reason": "data_changed",
            "reason_text": both("revocation_reasons", "data_changed"),
            "revoked_at": "2026-03-02T05:00:00Z",
        }
    },
    "suspend_document": {
        "201": {
            "document_id": _DOCUMENT,
            "reason": "data_disputed",
            "reason_text": both("suspension_reasons", "data_disputed"),
            "suspended_at": "2026-03-02T05:00:00Z",
        }
    },
    "reinstate_document": {
        "201": {
            "document_id": _DOCUMENT,
            "reason": "ground_gone",
            "reason_text": both("reinstatement_reasons", "ground_gone"),
            "reinstated_at": "2026-03-02T05:00:00Z",
        }
    },
    "check_code": {"200": _VERDICT},
    "read_credential_issuer": {"200": {"issuer": "https://vi.example.vn", "jwks": {"keys": [_SD_JWT_KEY]}}},
    "read_type": {"200": _TYPE},
    "read_liveness": {"200": {"status": "live"}},
    "read_readiness": {
        "200": {
            "status": "ready",
            "checks": {"database": "ok", "trust_bundle": "ok"},
            "status_lists": {
                "free": 4_180_213,
                "size": 4_194_304,
                "lasts_until": "2029-06-30",
                "bundle_bytes": 61_440,
                "warnings": [],
            },
            "documents_unsigned": 0,
            "requests_without_utility": 0,
        },
        "503": {
            "status": "not_ready",
            "checks": {"database": "dependency_unavailable", "trust_bundle": "ok"},
            "status_lists": None,
            "documents_unsigned": None,
            "requests_without_utility": None,
        },
    },
}
"""Operation to status to the body of an answer."""

REFUSALS: dict[str, tuple[str, ...]] = {
    "create_device_challenge": ("invalid_input",),
    "sign_in": ("invalid_credentials", "device_not_bound"),
    "refresh_session": ("token_reuse",),
    "step_up": ("invalid_credentials",),
    "read_utility": ("unknown_utility",),
    "list_documents": ("invalid_cursor",),
    "read_document": ("step_up_required", "not_found"),
    "read_code_text": ("step_up_required", "not_found"),
    "read_code_svg": ("step_up_required", "not_found"),
    "read_code_png": ("step_up_required", "not_found"),
    "revoke_document": ("not_allowed", "already_revoked"),
    "suspend_document": ("not_allowed", "already_suspended", "already_revoked"),
    "reinstate_document": ("not_allowed", "not_suspended", "already_revoked"),
    "check_code": ("invalid_input",),
    "read_status_list": ("not_found",),
    "read_type": ("not_found",),
}
"""Operation to the problems it is known for, beside a missing token."""

STATUSES = {
    "missing_token": 401,
    "invalid_credentials": 401,
    "token_reuse": 401,
    "step_up_required": 401,
    "device_not_bound": 403,
    "level_too_low": 403,
    "not_in_pilot": 403,
    "not_allowed": 403,
    "not_found": 404,
    "unknown_utility": 404,
    "already_revoked": 409,
    "already_suspended": 409,
    "not_suspended": 409,
    "utility_disabled": 409,
    "invalid_input": 422,
    "invalid_cursor": 400,
    "dependency_unavailable": 503,
}
"""Problem code to the status that it comes with."""
