"""Base models and field types of the API: no request has an unknown field, and every kind of value has one form."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.languages import LANGUAGES, locale_of
from chalicelib.domain.money.party import COUNTRIES


def example(**values: Any) -> ConfigDict:
    """Model settings that show this body as its example in the API's document."""
    return ConfigDict(json_schema_extra={"examples": [values]})


class RequestBody(BaseModel):
    """A request body; a field unknown to it is refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, defer_build=True)


class ResponseBody(BaseModel):
    """A response body. Models are built when first used: most functions never see one, and all would pay 45 ms.

    One that refuses what it should say is logged, and what that was (somebody's address, say) is not.
    """

    model_config = ConfigDict(defer_build=True, hide_input_in_errors=True)


def _connector_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _spoken(text: str) -> str:
    locale = locale_of(text)
    if text and not locale:
        raise ValueError(f"is no locale of {', '.join(LANGUAGES)}")
    return locale


def _country(code: str) -> str:
    if code and code not in COUNTRIES:
        raise ValueError("is no country of ISO 3166 (alpha-2)")
    return code


def all_different(connectors: list[str]) -> list[str]:
    """A list's items, checked to differ. Raises ValueError when one comes twice."""
    if len({ConnectorId.parse(it) for it in connectors}) < len(connectors):
        raise ValueError('names a connector twice ("1" and "1.1" are the same)')
    return connectors


def _not_only_dots(name: str) -> str:
    if not name.strip("."):
        raise ValueError("must not be made of dots only: as a part of a path it would mean another place")
    return name


ChargerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*\-_=:+|@.]{1,48}$"), AfterValidator(_not_only_dots)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9\-_.]{1,64}$"), AfterValidator(_not_only_dots)]
Connector = Annotated[
    str, StringConstraints(pattern=r"^[1-9]\d{0,3}(\.[1-9]\d{0,2})?$"), BeforeValidator(_connector_text)
]
Price = Annotated[
    Decimal,
    Field(ge=0, le=100_000, max_digits=12, decimal_places=4),
    PlainSerializer(lambda price: f"{price:f}", return_type=str, when_used="json"),
]
Percent = Annotated[Price, Field(le=100)]
# What is answered is what was computed, with every decimal of it, and below nothing where a bound takes something off.
Figure = Annotated[Decimal, PlainSerializer(lambda figure: f"{figure:f}", return_type=str, when_used="json")]
SpokenLocale = Annotated[
    str,
    StringConstraints(max_length=35),
    AfterValidator(_spoken),
    Field(description=f"BCP 47: {', '.join(LANGUAGES)}, with or without a country (de-CH); empty for none"),
]
# One mailbox and nothing beside it: no list, no name before it, no comment, no quotes, no label with a dash before it.
_IN_ADDRESS = r'[^\s@,;:<>()\[\]\\"\x00-\x20\x7f'
Email = Annotated[
    str,
    StringConstraints(
        pattern=rf"^{_IN_ADDRESS}]+@{_IN_ADDRESS}.\-]{_IN_ADDRESS}.]*(\.{_IN_ADDRESS}.\-]{_IN_ADDRESS}.]*)+$",
        max_length=254,
    ),
]
Country = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Z]{2})?$"),
    AfterValidator(_country),
    Field(description="ISO 3166 alpha-2"),
]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Minor = Annotated[int, Field(description="in the currency's smallest unit")]


@dataclass(frozen=True)
class Hidden:
    """Marks a field whose value may hold a secret: no audit keeps it."""


@dataclass(frozen=True)
class SecretConstraints(StringConstraints, Hidden):
    """What a secret must be; it marks its field as hidden too."""


def secret(shortest: int, longest: int) -> Any:
    """A secret is taken to the letter, spaces included, and is written down nowhere."""
    return SecretConstraints(strip_whitespace=False, min_length=shortest, max_length=longest)


class FieldError(ResponseBody):
    """A field's error: which one, and what is wrong with it."""

    field: str
    message: str


class Problem(ResponseBody):
    """An error as problem+json (RFC 9457); `errors` names the fields, where there are such."""

    model_config = example(
        type="urn:kerb:problem:invalid",
        title="Unprocessable Entity",
        status=422,
        detail="connector: String should match pattern",
        errors=[{"field": "connector", "message": "String should match pattern"}],
    )
    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
