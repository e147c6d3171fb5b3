"""The OpenAPI document of the server: requests and possible responses."""

from typing import Any, Final

from linkage_rl.records import FIELDS
from serving.attributes import MAX_LENGTH
from serving.content_type import CSV, JSON, JSON_LINES
from serving.requests import CLIENT_KEYS, MODES
from serving.settings import WorkerSettings
from serving.values import MAX_FIELD_LENGTH

_TEXT: Final = {"type": ["string", "number", "null"], "maxLength": MAX_FIELD_LENGTH}
"""A number stands for its digits; NaN, which is no JSON, is read as null."""
_MODEL: Final = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "version": {"type": "string"}},
    "required": ["name", "version"],
}
_COMPANY: Final = {"type": "object", "properties": {name: {"type": "string"} for name in FIELDS}}
_ERROR: Final = {
    "type": "object",
    "properties": {
        "error": {"type": "string"},
        "message": {"type": "string", "description": "The same text, where boto3 looks for it."},
        "request_id": {"type": "string"},
    },
    "required": ["error", "request_id"],
}
_CLIENT: Final = {
    "type": "object",
    "description": "At least one field besides client_id; "
    f"each at most {MAX_FIELD_LENGTH} characters.",
    "properties": dict.fromkeys(CLIENT_KEYS, _TEXT)
    | {"client_id": _TEXT | {"description": "Returned as text, a number as it was written."}},
}
_RESULT: Final = {
    "type": "object",
    "properties": {
        "client_id": {"type": "string"},
        "decision": {"enum": ["link", "no_match", "review", "candidates", "error"]},
        "company_id": {"type": ["string", "null"]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "reason": {"type": "string"},
        "blockers": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Blockers that were run for this client.",
        },
        "company": {"anyOf": [{"$ref": "#/components/schemas/Company"}, {"type": "null"}]},
        "decision_id": {
            "type": "string",
            "description": "By which a decision log knows this decision.",
        },
        "candidates": {"type": "array", "items": {"$ref": "#/components/schemas/Candidate"}},
        "error": {"type": "string"},
    },
    "required": ["client_id", "decision"],
}
_CANDIDATE: Final = {
    "type": "object",
    "properties": {
        "company_id": {"type": "string"},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "reason": {"type": "string"},
        "company": {"$ref": "#/components/schemas/Company"},
    },
    "required": ["company_id", "share", "reason", "company"],
}
_LOADED: Final = {
    "type": "object",
    "properties": {
        "modelName": {"type": "string"},
        "modelUrl": {"type": "string"},
        "bytes": {"type": "integer"},
    },
    "required": ["modelName", "modelUrl"],
}
_NAME: Final = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": r"^[A-Za-z0-9_.\-]{1,200}$"},
}
_MODE: Final = {
    "name": "mode",
    "in": "query",
    "description": "Mode of CSV and JSON Lines, and of JSON that names none in its body.",
    "schema": {"enum": list(MODES), "default": "bulk_linkage"},
}
_ORIGIN: Final = {"type": ["string", "number", "null"], "maxLength": MAX_LENGTH}
_ATTRIBUTES: Final = {
    "name": "X-Amzn-SageMaker-Custom-Attributes",
    "in": "header",
    "description": "`customer=ID;list=ID;mode=MODE`, each unless the body or `?mode=` says it.",
    "schema": {"type": "string", "maxLength": 1024},
}
_CODING: Final = {
    "name": "Content-Encoding",
    "in": "header",
    "description": "Coding of the body, whose limit applies to what it is when unpacked.",
    "schema": {"enum": ["gzip", "identity"], "default": "identity"},
}


def document(settings: WorkerSettings) -> dict[str, Any]:
    """The document of a server with these settings."""
    made = _document(settings)
    return _with_token(made) if settings.token else made


def _with_token(made: dict[str, Any]) -> dict[str, Any]:
    """The document, saying which operations need a token."""
    made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"token": []}]
    refused = _operation("", {}, 401)["responses"]["401"]
    for path, operations in made["paths"].items():
        for operation in operations.values():
            if path == "/ping":
                operation["security"] = []
            elif isinstance(operation, dict):
                operation["responses"]["401"] = refused
    return made


def _document(settings: WorkerSettings) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "linkage_rl",
            "version": "1",
            "description": "Links client records to companies of a table.",
        },
        "paths": {
            "/ping": {
                "get": _operation("Whether the model is ready.", {"200": {"description": "Ready."}})
            },
            "/invocations": {"post": _invocation(settings)},
            "/execution-parameters": {
                "get": _operation("Parameters of batch transform.", _ok({"type": "object"}))
            },
            "/models": {
                "get": _operation("All loaded models.", _ok(_list_of_models())),
                "post": _load(),
            },
            "/models/{name}": {
                "parameters": [_NAME],
                "get": _operation("A loaded model.", _ok(_reference("Loaded")), 404),
                "delete": _operation("Unload a model.", _ok({"type": "object"}), 404, 409),
            },
            "/models/{name}/invoke": {
                "parameters": [_NAME],
                "post": _invocation(settings, 404),
            },
            "/metrics": {
                "get": _operation(
                    "Metrics for Prometheus.",
                    {"200": {"description": "Text.", "content": {"text/plain": {}}}},
                )
            },
        },
        "components": {
            "schemas": {
                "Client": _CLIENT,
                "Company": _COMPANY,
                "Candidate": _CANDIDATE,
                "Result": _RESULT,
                "Loaded": _LOADED,
                "Error": _ERROR,
            }
        },
    }


def _invocation(settings: WorkerSettings, *statuses: int) -> dict[str, Any]:
    clients = {"type": "array", "items": _reference("Client"), "maxItems": settings.max_clients}
    content = {
        "type": "object",
        "description": "`client` for mode linkage, `clients` for lists, neither for info.",
        "properties": {
            "mode": {"enum": list(MODES), "default": "bulk_linkage"},
            "clients": clients,
            "client": _reference("Client"),
            "customer": _ORIGIN | {"description": "Whose clients they are, for the decision log."},
            "list_id": _ORIGIN | {"description": "Their list, for the decision log."},
        },
    }
    answer = {
        "type": "object",
        "properties": {
            "model": _MODEL,
            "stale": {"type": "boolean"},
            "warnings": {"type": "array", "items": {"type": "string"}},
            "results": {"type": "array", "items": _reference("Result")},
            "info": {"type": "object"},
        },
        "required": ["model", "stale"],
    }
    texts = {CSV: {"schema": {"type": "string"}}, JSON_LINES: {"schema": {"type": "string"}}}
    successes = {"200": {"description": "Answered.", "content": {JSON: {"schema": answer}} | texts}}
    operation = _operation(
        "One result per client, in their order.", successes, 400, 404, 406, 413, 415, *statuses
    )
    body = {"required": True, "content": {JSON: {"schema": content}} | texts}
    return operation | {"parameters": [_MODE, _CODING, _ATTRIBUTES], "requestBody": body}


def _load() -> dict[str, Any]:
    content = {
        "type": "object",
        "properties": {"model_name": _NAME["schema"], "url": {"type": "string"}},
        "required": ["model_name", "url"],
    }
    loaded = _ok({"type": "object"})
    return _operation("Load a model from a folder.", loaded, 400, 409, 413, 507) | {
        "requestBody": {"required": True, "content": {JSON: {"schema": content}}}
    }


def _operation(summary: str, successes: dict[str, Any], *statuses: int) -> dict[str, Any]:
    failures = {
        str(status): {
            "description": "One sentence: what was expected, what came, and what to do.",
            "content": {JSON: {"schema": _reference("Error")}},
        }
        for status in sorted({*statuses, 503})
    }
    return {"summary": summary, "responses": successes | failures}


def _ok(schema: dict[str, Any]) -> dict[str, Any]:
    return {"200": {"description": "Done.", "content": {JSON: {"schema": schema}}}}


def _list_of_models() -> dict[str, Any]:
    models = {"type": "array", "items": _reference("Loaded")}
    return {"type": "object", "properties": {"models": models}, "required": ["models"]}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
