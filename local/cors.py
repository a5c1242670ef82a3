"""CORS as API Gateway answers it by itself (AWS SAM: HttpApi's CorsConfiguration, Api's Cors)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.template import TemplateError, as_text

_HTTP_MEMBERS = frozenset(
    {"AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders", "MaxAge"}
)
_REST_MEMBERS = frozenset({"AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigin", "MaxAge"})
_ALL_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Cors:
    """The CORS configuration of an HTTP API: the gateway answers preflights, and drops the functions' own headers."""

    origins: frozenset[str]
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: str = ""
    credentials: bool = False

    def preflight(self, origin: str) -> Headers:
        """The headers of the answer to a preflight."""
        if not self._is_allowed(origin):
            return ()
        age = (self.max_age,) if self.max_age else ()
        return (
            *self._origin(origin),
            *_named(("access-control-allow-methods", self.methods), ("access-control-allow-headers", self.headers)),
            *_named(("access-control-max-age", age)),
        )

    def on_answer(self, headers: Headers, origin: str) -> Headers:
        """The headers of any other answer: without the function's own of CORS."""
        kept = tuple(each for each in headers if not each[0].lower().startswith("access-control-"))
        if not self._is_allowed(origin):
            return kept
        return (*kept, *self._origin(origin), *_named(("access-control-expose-headers", self.exposed)))

    def _is_allowed(self, origin: str) -> bool:
        return bool(origin) and any(
            each in ("*", origin) or (each in ("https://*", "http://*") and origin.startswith(each[:-1]))
            for each in self.origins
        )

    def _origin(self, origin: str) -> Headers:
        allowed = ("access-control-allow-origin", "*" if "*" in self.origins else origin)
        return (allowed, ("access-control-allow-credentials", "true")) if self.credentials else (allowed,)


def cors_from_configuration(configuration: Any, where: str) -> Cors | None:
    """From CorsConfiguration: `true` lets every origin read, and a map says the rest."""
    if configuration in (False, None):
        return None
    if configuration is True:
        return Cors(frozenset({"*"}))
    if not isinstance(configuration, dict) or set(configuration) - _HTTP_MEMBERS:
        raise TemplateError(f"{where}: CorsConfiguration is true, or has some of {', '.join(sorted(_HTTP_MEMBERS))}")
    if configuration.get("AllowCredentials") and "*" in configuration.get("AllowOrigins", []):
        raise TemplateError(f"{where}: CorsConfiguration cannot allow credentials to every origin")
    return Cors(
        origins=frozenset(configuration.get("AllowOrigins", [])),
        methods=tuple(configuration.get("AllowMethods", [])),
        headers=tuple(configuration.get("AllowHeaders", [])),
        exposed=tuple(configuration.get("ExposeHeaders", [])),
        max_age=as_text(configuration.get("MaxAge", "")),
        credentials=bool(configuration.get("AllowCredentials", False)),
    )


def rest_preflight_headers(cors: Any, methods: Iterable[str], where: str) -> Headers:
    """From a REST API's Cors: each value is a text in single quotes. The functions send their own headers."""
    given = {"AllowOrigin": cors} if isinstance(cors, str) else cors
    if not isinstance(given, dict) or set(given) - _REST_MEMBERS or "AllowOrigin" not in given:
        raise TemplateError(f"{where}: Cors is a text, or has AllowOrigin and others of {sorted(_REST_MEMBERS)}")
    names = _ALL_METHODS if "ANY" in methods else sorted({*methods, "OPTIONS"})
    values: Mapping[str, Any] = {"AllowMethods": f"'{','.join(names)}'", **given}
    headers = [("content-type", "application/json")]
    headers += (
        (f"access-control-allow-{name.lower()}", _unquoted(values[f"Allow{name}"], where))
        for name in ("Origin", "Headers", "Methods")
        if values.get(f"Allow{name}")
    )
    if "MaxAge" in values:
        headers.append(("access-control-max-age", _unquoted(as_text(values["MaxAge"]), where)))
    if values.get("AllowCredentials") is True:
        headers.append(("access-control-allow-credentials", "true"))
    return tuple(headers)


def _unquoted(value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) < 2 or value[0] != "'" or value[-1] != "'":
        raise TemplateError(f"{where}: Cors wants texts in single quotes, such as \"'*'\", and not {value!r}")
    return value[1:-1]


def _named(*lists: tuple[str, tuple[str, ...]]) -> Headers:
    return tuple((name, ",".join(values)) for name, values in lists if values)
